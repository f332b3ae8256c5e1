"""Gemini's protocol: what is encoded is read back, in every form of answer, healthy and spoilt, and any bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.core.fault import FAULTS, Body, Fault, Insert, Then, Usage
from harness.core.names import Answer, Form, Provider
from harness.providers.gemini import (
    GenerateRequest,
    Kind,
    decode_answer,
    decode_error,
    decode_request,
    decode_stream,
    sane_usage,
)
from harness.providers.plan import Plan
from harness.providers.reply import default_reply
from harness.providers.vertex_encode import encode_answer

MODEL, PROMPT = "gemini-2.5-flash", "hi [tie:0123456789.3]"
SAID = default_reply(MODEL, PROMPT)
STREAM_FAULTS = [fault for fault in FAULTS.values() if fault.strikes(Provider.VERTEX, Answer.STREAM, Form.CANDIDATES)]


def request(*, stream: bool = True, events: bool = True) -> GenerateRequest:
    return decode_request(body(), model=MODEL, stream=stream, events=events)


def body(**more: Any) -> bytes:
    return json.dumps({"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]} | more).encode()


def answer(fault: str | Fault, **form: bool) -> Plan:
    return encode_answer(request(**form), SAID, FAULTS[fault] if isinstance(fault, str) else fault)


def test_a_request_is_read() -> None:
    read = decode_request(
        body(
            systemInstruction={"parts": [{"text": "Be"}, {"text": " brief"}]}, generationConfig={"maxOutputTokens": 5}
        ),
        model=MODEL,
        stream=True,
    )
    assert (read.system, read.contents, read.max_tokens) == ("Be brief", (("user", PROMPT),), 5)
    assert (read.prompt, read.tie, read.events) == (f"Be brief {PROMPT}", "0123456789.3", True)
    other = decode_request(body(generation_config={"max_output_tokens": 7}), model=MODEL, stream=False)
    assert (other.system, other.max_tokens, other.prompt) == ("", 7, PROMPT)


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": []},
        {"contents": "hi"},
        {"contents": [{"role": "user"}]},
        {"contents": [{"role": "user", "parts": []}]},
        {"contents": [{"role": "assistant", "parts": [{"text": "hi"}]}]},
        {"generationConfig": {"maxOutputTokens": 0}},
        {"generationConfig": {"maxOutputTokens": True}},
    ],
)
def test_a_request_that_lacks_something_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        decode_request(body(**fields), model=MODEL, stream=False)


@given(st.binary())
def test_any_bytes_are_read(sent: bytes) -> None:
    for decode in (decode_answer, lambda raw: decode_request(raw, model=MODEL, stream=False)):
        with suppress(DecodeError):
            decode(sent)
    assert decode_stream(sent).text == decode_stream(sent).text
    decode_error(sent)


@pytest.mark.parametrize("events", [True, False], ids=["events", "array"])
def test_a_healthy_stream(events: bool) -> None:
    plan = answer("none", events=events)
    stream = decode_stream(plan.body)
    assert stream.text == SAID.text
    assert [event.kind for event in stream.events] == [Kind.CHUNK] * 9
    assert (stream.finish_reasons, stream.terminal, stream.errors, len(stream.ids)) == (("STOP",), True, (), 1)
    assert sane_usage(stream.usage, text_delivered=True) == (SAID.prompt_tokens, SAID.completion_tokens)
    assert sane_usage(stream.events[0].usage, text_delivered=True) is None
    assert (stream.tail, stream.strays, stream.closed) == (b"", (), None if events else True)
    assert plan.contents == 8
    if events:
        assert plan.body.count(b"\r\n") == plan.body.count(b"\n") == 18
    else:
        assert len(json.loads(plan.body)) == 9


@pytest.mark.parametrize("fault", STREAM_FAULTS, ids=lambda fault: fault.id)
@pytest.mark.parametrize("events", [True, False], ids=["events", "array"])
def test_spoilt_streams(fault: Fault, events: bool) -> None:
    plan = answer(fault, events=events)
    if fault.status is not None:
        error = decode_error(plan.body)
        assert error is not None
        assert (plan.status, error.code) == (fault.status, fault.status)
        return
    stream = decode_stream(plan.body)
    broken = fault.then is not Then.GO_ON or fault.insert in (Insert.ERROR_EVENT, Insert.ERROR_CHUNK)
    if broken:
        assert stream.text == "".join(SAID.pieces[: fault.after])
        assert not stream.terminal
        assert len(stream.errors) == (fault.insert is not None)
    elif fault.body is Body.ANSWER and fault.insert is None:
        assert stream.text.startswith(SAID.text)
        assert (sane_usage(stream.usage, text_delivered=True) is not None) is (fault.usage is Usage.TRUE)
    elif fault.insert is Insert.MALFORMED and events:
        assert [event.kind for event in stream.events].index(Kind.MALFORMED) == fault.after
        assert stream.text == SAID.text
    elif fault.body is Body.NO_CHOICES:
        assert (stream.text, stream.terminal) == ("", False)


PLAIN_FAULTS = [fault for fault in FAULTS.values() if fault.strikes(Provider.VERTEX, Answer.PLAIN, Form.CANDIDATES)]


@pytest.mark.parametrize("fault", PLAIN_FAULTS, ids=lambda fault: fault.id)
def test_plain_answers(fault: Fault) -> None:
    plan = answer(fault, stream=False)
    if fault.status is not None:
        error = decode_error(plan.body)
        assert error is not None
        assert (error.code, bool(error.status)) == (fault.status, True)
        assert plan.headers[0] == ("content-type", "application/json; charset=UTF-8")
    elif fault.body is Body.ANSWER and fault.then is Then.GO_ON:
        read = decode_answer(plan.body)
        assert (read.text, read.finish_reason, read.model) == (SAID.text, "STOP", MODEL)
        assert (sane_usage(read.usage, text_delivered=True) is not None) is (fault.usage is Usage.TRUE)
    else:
        with pytest.raises(DecodeError):
            decode_answer(plan.body)


def test_an_error_of_an_event_stream_is_labelled_as_one_and_holds_plain_json() -> None:
    plan = answer("http-404")
    assert plan.headers[0] == ("content-type", "text/event-stream")
    error = decode_error(plan.body)
    assert error is not None
    assert (error.code, error.status) == (404, "NOT_FOUND")
    assert answer("http-404", events=False).headers[0][1].startswith("application/json")
    read = decode_stream(plan.body)
    assert [event.kind for event in read.events] == [Kind.ERROR]


def test_thoughts_and_calls_are_no_text_and_a_refused_prompt_is_an_answer() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "Yes"}, {"functionCall": {"name": "f"}}, {"text": "!"}]
    read = decode_answer(json.dumps({"candidates": [{"content": {"parts": parts}, "finishReason": 1}]}).encode())
    assert (read.text, read.finish_reason) == ("Yes!", 1)
    blocked = b'{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}'
    assert decode_answer(blocked).text == ""
    assert decode_stream(blocked).terminal
    assert sane_usage(decode_answer(blocked).usage, text_delivered=False) == (3, 0)
    assert sane_usage({"promptTokenCount": 3, "thoughtsTokenCount": 4}, text_delivered=False) == (3, 4)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}', (429, "RESOURCE_EXHAUSTED")),
        (b'[{"error": {"code": 404, "message": "no", "status": "NOT_FOUND"}}]', (404, "NOT_FOUND")),
        (b'{"error": {"code": "429", "message": 1}}', (None, None)),
        (b'{"error": "no"}', None),
        (b"<html>", None),
    ],
)
def test_errors_are_read(raw: bytes, told: tuple[int | None, str | None] | None) -> None:
    error = decode_error(raw)
    assert (error and (error.code, error.status)) == told
