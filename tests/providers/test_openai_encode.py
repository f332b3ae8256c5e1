"""What the simulated providers of the OpenAI dialect say, read back by the decoders: every provider, every fault."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.core.errors import DecodeError
from harness.core.fault import FAULTS, Body, Fault, Insert, Then, Usage, Writes
from harness.core.names import Answer, Provider
from harness.framing import json
from harness.providers.openai import (
    ChatRequest,
    Kind,
    decode_completion,
    decode_error,
    decode_stream,
    sane_usage,
)
from harness.providers.openai_encode import MODELS, encode_answer, encode_error, encode_models
from harness.providers.plan import NOT_JSON, Pause, Plan, Reset, Stall, Write
from harness.providers.reply import Reply, default_reply

PROVIDERS = (Provider.OPENAI, Provider.GROQ, Provider.COMPATIBLE)
STREAM_FAULTS = [fault for fault in FAULTS.values() if fault.strikes(Provider.OPENAI, Answer.STREAM)]
PLAIN_FAULTS = [fault for fault in FAULTS.values() if fault.strikes(Provider.OPENAI, Answer.PLAIN)]
KEY = "sk-secret-123"

pytestmark = pytest.mark.parametrize("provider", PROVIDERS)


def ask(provider: Provider, *, stream: bool = True, include_usage: bool = True) -> ChatRequest:
    prompt = "say something [tie:0123456789.1]"
    return ChatRequest(MODELS[provider][0], stream, include_usage, None, (("user", prompt),), "0123456789.1")


def answer(provider: Provider, fault: str | Fault = "none", *, stream: bool = True, usage: bool = True) -> Plan:
    request = ask(provider, stream=stream, include_usage=usage)
    chosen = FAULTS[fault] if isinstance(fault, str) else fault
    return encode_answer(provider, request, reply(provider), chosen, key=KEY, now_s=1_000_000_000.0)


def reply(provider: Provider) -> Reply:
    request = ask(provider)
    return default_reply(request.model, request.prompt)


@pytest.mark.parametrize("fault", STREAM_FAULTS, ids=lambda fault: fault.id)
def test_every_fault_of_a_stream(provider: Provider, fault: Fault) -> None:
    plan, said = answer(provider, fault), reply(provider)
    if fault.status is not None:
        check_error(provider, fault, plan)
        return
    assert plan.status == 200
    if fault.body is Body.JSON_ON_STREAM:
        assert not plan.chunked
        assert decode_completion(plan.body).text == said.text
        assert dict(plan.headers)["content-type"] == "application/json"
        return
    assert plan.chunked
    stream = decode_stream(plan.body)
    assert stream.tail == b""
    assert stream.strays == ()
    assert len(stream.content_events) == plan.contents
    if fault.body is Body.EMPTY:
        assert plan.body == b""
    elif fault.body is Body.NO_CHOICES:
        assert (stream.text, stream.finish_reasons, len(stream.done)) == ("", (), 1)
    elif fault.insert in (Insert.ERROR_EVENT, Insert.ERROR_CHUNK) or fault.id in ENDS:
        check_broken_off(provider, fault, plan)
    else:
        check_complete(provider, fault, plan)


ENDS = {
    "reset-before-first": Reset(),
    "reset-mid-stream": Reset(),
    "stall-mid-stream": Stall(),
    "cut": None,
    "no-finish": None,
}


def check_broken_off(provider: Provider, fault: Fault, plan: Plan) -> None:
    stream = decode_stream(plan.body)
    whole = decode_stream(answer(provider).body)
    assert len(stream.content_events) == min(fault.after, len(whole.content_events))
    assert (stream.text == whole.text) is (fault.id == "no-finish")
    assert not stream.done
    if fault.insert is None:
        assert not stream.terminal
        assert not stream.errors
        last = ENDS[fault.id]
        assert isinstance(plan.steps[-1], Write) if last is None else plan.steps[-1] == last
        assert plan.body != b"" or fault.after == 0
    else:
        (failed,) = stream.errors
        assert failed.index == len(stream.events) - 1
        assert failed.data["error"]["message"]
        assert ("choices" in failed.data) is (fault.insert is Insert.ERROR_CHUNK)


def check_complete(provider: Provider, fault: Fault, plan: Plan) -> None:
    stream, said = decode_stream(plan.body), reply(provider)
    late = stream.events[-1].text if fault.id == "after-done" else ""
    assert stream.text == said.text + late
    assert bool(late) is (fault.id == "after-done")
    assert stream.finish_reasons == ("stop",)
    assert stream.errors == ()
    assert len(stream.ids) == 1
    assert len(stream.done) == {"no-done": 0, "duplicate-done": 2}.get(fault.id, 1)
    assert sum(event.kind is Kind.MALFORMED for event in stream.events) == (fault.insert is Insert.MALFORMED)
    assert bool(stream.comments) is fault.comments
    assert (b"\r\n" in plan.body) is (fault.newline == "\r\n")
    check_usage(fault, stream.usage, said)


@pytest.mark.parametrize("fault", PLAIN_FAULTS, ids=lambda fault: fault.id)
def test_every_fault_of_a_plain_answer(provider: Provider, fault: Fault) -> None:
    plan, said = answer(provider, fault, stream=False), reply(provider)
    assert not plan.chunked
    if fault.status is not None:
        check_error(provider, fault, plan)
    elif fault.then is Then.RESET:
        whole = answer(provider, stream=False).body
        assert (plan.body, plan.length) == (whole[: len(whole) // 2], len(whole))
    elif fault.body in (Body.NOT_JSON, Body.EMPTY):
        assert plan.body == (NOT_JSON if fault.body is Body.NOT_JSON else b"")
        with pytest.raises(DecodeError):
            decode_completion(plan.body)
    elif fault.body is Body.NO_CHOICES:
        assert json.loads(plan.body)["choices"] == []
    else:
        completion = decode_completion(plan.body)
        assert (completion.text, completion.finish_reason, completion.model) == (said.text, "stop", said.model)
        check_usage(fault, completion.usage, said)


def check_usage(fault: Fault, usage: object, said: Reply) -> None:
    if fault.usage is Usage.TRUE:
        assert sane_usage(usage, True) == (said.prompt_tokens, said.completion_tokens)
        return
    assert sane_usage(usage, True) is None
    if fault.usage is Usage.ABSENT:
        assert usage is None
    else:
        assert isinstance(usage, dict)
        figure = usage["completion_tokens"]
        expected = {Usage.ZERO: figure == 0, Usage.NEGATIVE: figure < 0, Usage.HUGE: figure == 10**15}
        assert expected.get(fault.usage, math.isnan(figure))


def check_error(provider: Provider, fault: Fault, plan: Plan) -> None:
    assert plan.status == fault.status
    error = decode_error(plan.body)
    assert error is not None
    assert error.message
    assert error.type
    assert ("param" in error.data["error"]) is (provider is not Provider.GROQ)
    assert (KEY in error.message) is (fault.status == 401)
    headers = dict(plan.headers)
    retry = {"http-429": "7", "http-429-date": "Sun, 09 Sep 2001 01:46:47 GMT"}.get(fault.id)
    assert headers.get("retry-after") == retry
    if fault.status == 404:
        model = MODELS[provider][0]
        assert error.message == f"The model `{model}` does not exist or you do not have access to it."


def test_a_fault_that_does_not_apply_changes_nothing(provider: Provider) -> None:
    assert answer(provider, "reset-mid-stream", stream=False) == answer(provider, stream=False)
    assert answer(provider, "not-json") == answer(provider)
    assert answer(provider, "overloaded-in-band") == answer(provider)


def test_writes(provider: Provider) -> None:
    healthy = answer(provider)
    counts = [step.content for step in healthy.steps if isinstance(step, Write)]
    assert counts == sorted(counts)
    assert all(step.data.endswith(b"\n\n") for step in healthy.steps if isinstance(step, Write))
    for id_ in ("coalesced", "one-byte-segments", "split-utf8"):
        plan = answer(provider, id_)
        writes = [step for step in plan.steps if isinstance(step, Write)]
        assert plan.body == healthy.body
        assert plan.contents == healthy.contents
        if FAULTS[id_].writes is Writes.COALESCED:
            assert len(writes) == 1
        elif FAULTS[id_].writes is Writes.ONE_BYTE:
            assert {len(write.data) for write in writes} == {1}
        else:
            assert sum(0x80 <= write.data[0] < 0xC0 for write in writes) == 4  # é 海 漢 and the bird
        check_counts(writes)


def check_counts(writes: list[Write]) -> None:
    """After each write exactly as many content events are whole as it says."""
    sent = b""
    for write in writes:
        sent += write.data
        if write.data.endswith(b"\n"):
            assert write.content == len(decode_stream(sent).content_events)


def test_silence_and_delay(provider: Provider) -> None:
    assert answer(provider, "no-headers").before == (Stall(),)
    assert answer(provider, "no-headers", stream=False).before == (Stall(),)
    assert answer(provider, "slow-first-token", stream=False).before == (Pause(150),)
    slow = answer(provider, "slow-first-token")
    assert slow.before == ()
    at = slow.steps.index(Pause(150))
    assert [step.content for step in slow.steps[at - 1 : at + 2] if isinstance(step, Write)] == [0, 1]


def test_usage_is_said_where_it_was_asked_for(provider: Provider) -> None:
    stream = decode_stream(answer(provider, usage=False).body)
    assert bool(stream.usage) is (provider is Provider.GROQ)
    assert all(event.data["choices"] for event in stream.events if event.kind is Kind.CHUNK)
    asked = decode_stream(answer(provider).body)
    assert asked.events[-2].data["choices"] == []
    assert asked.events[-2].usage is not None


def test_what_tells_the_providers_apart(provider: Provider) -> None:
    plan = answer(provider)
    first, *_, finish, _usage, _done = decode_stream(plan.body).events
    headers = dict(plan.headers)
    own = {Provider.OPENAI: "obfuscation", Provider.GROQ: "x_groq"}
    assert {key for key in own.values() if key in first.data} == {own[key] for key in own if key is provider}
    assert ("x-request-id" in headers) is (provider is not Provider.COMPATIBLE)
    assert ("x-ratelimit-reset-tokens" in headers) is (provider is Provider.OPENAI)
    if provider is Provider.GROQ:
        assert first.data["x_groq"]["id"] == headers["x-request-id"]
        assert finish.data["x_groq"]["usage"] == finish.usage
        assert b"event: error\n" in answer(provider, "error-event").body
    else:
        assert b"event:" not in answer(provider, "error-event").body


def test_answers_are_deterministic_and_ids_are_not_shared(provider: Provider) -> None:
    request, said = ask(provider), reply(provider)
    assert answer(provider) == answer(provider)
    other = encode_answer(provider, replace(request, tie="0123456789.2"), said)
    again = encode_answer(provider, request, said, attempt=1)
    ids = {decode_stream(plan.body).ids for plan in (answer(provider), other, again)}
    assert len(ids) == 3


def test_models_and_refusals(provider: Provider) -> None:
    listed = json.loads(encode_models(provider).body)
    assert [model["id"] for model in listed["data"]] == list(MODELS[provider])
    assert [model["id"] for model in json.loads(encode_models(provider, ("a", "b")).body)["data"]] == ["a", "b"]
    refused = encode_error(provider, 400, message="no")
    error = decode_error(refused.body)
    assert error is not None
    assert (refused.status, refused.reason, error.message) == (400, "Bad Request", "no")
