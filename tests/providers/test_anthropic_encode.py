"""What the simulated Anthropic says, read back by the decoder: every fault."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.core.errors import DecodeError
from harness.core.fault import FAULTS, Body, Fault, Insert, Then, Usage, Writes
from harness.core.names import Answer, Provider
from harness.framing import json
from harness.providers.anthropic import (
    Kind,
    MessageRequest,
    decode_error,
    decode_message,
    decode_stream,
    sane_usage,
)
from harness.providers.anthropic_bodies import Bodies
from harness.providers.anthropic_encode import MODELS, carry, encode_answer, encode_error, encode_models
from harness.providers.plan import NOT_JSON, Pause, Plan, Reset, Stall, Write
from harness.providers.reply import default_reply, digest

MINE = [fault for fault in FAULTS.values() if fault.providers is None or Provider.ANTHROPIC in fault.providers]
STREAM_FAULTS = [fault for fault in MINE if Answer.STREAM in fault.applies]
PLAIN_FAULTS = [fault for fault in MINE if Answer.PLAIN in fault.applies]
KEY = "sk-secret-123"
PROMPT = "say something [tie:0123456789.1]"
ASKED = MessageRequest(MODELS[0], True, 1000, (("user", PROMPT),), "", "0123456789.1")
SAID = default_reply(MODELS[0], PROMPT)


def answer(fault: str | Fault = "none", *, stream: bool = True) -> Plan:
    chosen = FAULTS[fault] if isinstance(fault, str) else fault
    return encode_answer(replace(ASKED, stream=stream), SAID, chosen, key=KEY, now_s=1_000_000_000.0)


@pytest.mark.parametrize("fault", STREAM_FAULTS, ids=lambda fault: fault.id)
def test_every_fault_of_a_stream(fault: Fault) -> None:
    plan = answer(fault)
    if fault.status is not None:
        check_error(fault, plan)
        return
    assert plan.status == 200
    if fault.body is Body.JSON_ON_STREAM:
        assert not plan.chunked
        assert decode_message(plan.body).text == SAID.text
        assert dict(plan.headers)["content-type"] == "application/json"
        return
    assert plan.chunked
    stream = decode_stream(plan.body)
    assert (stream.tail, stream.strays) == (b"", ())
    assert len(stream.content_events) == plan.contents
    if fault.body is Body.EMPTY:
        assert plan.body == b""
    elif fault.body is Body.NO_CHOICES:
        kinds = [event.kind for event in stream.events]
        assert kinds == [Kind.MESSAGE_START, Kind.PING, Kind.MESSAGE_DELTA, Kind.MESSAGE_STOP]
    elif fault.insert in (Insert.ERROR_EVENT, Insert.ERROR_CHUNK) or fault.id in ENDS:
        check_broken_off(fault, plan)
    else:
        check_complete(fault, plan)


ENDS = {
    "reset-before-first": Reset(),
    "reset-mid-stream": Reset(),
    "stall-mid-stream": Stall(),
    "cut": None,
    "no-finish": None,
}


def check_broken_off(fault: Fault, plan: Plan) -> None:
    stream = decode_stream(plan.body)
    whole = decode_stream(answer().body)
    assert len(stream.content_events) == min(fault.after, len(whole.content_events))
    assert (stream.text == whole.text) is (fault.id == "no-finish")
    assert not stream.terminal
    if fault.insert is None:
        assert not stream.errors
        last = ENDS[fault.id]
        assert isinstance(plan.steps[-1], Write) if last is None else plan.steps[-1] == last
        assert plan.body != b"" or fault.after == 0
        return
    (failed,) = stream.errors
    assert failed.index == len(stream.events) - 1
    error = failed.data["error"]
    assert error["type"] == (fault.error_type or "api_error")
    assert error["message"]
    assert failed.name == ("error" if fault.insert is Insert.ERROR_EVENT else "message")


def check_complete(fault: Fault, plan: Plan) -> None:
    stream = decode_stream(plan.body)
    late = " And again." if fault.id == "after-done" else ""
    assert stream.text == SAID.text + late
    assert stream.stop_reasons == ("end_turn",)
    assert stream.errors == ()
    assert len(stream.ids) == 1
    assert len(stream.done) == {"no-done": 0, "duplicate-done": 2}.get(fault.id, 1)
    assert sum(event.kind is Kind.MALFORMED for event in stream.events) == (fault.insert is Insert.MALFORMED)
    assert all(event.name == event.data["type"] for event in stream.events if event.kind is not Kind.MALFORMED)
    assert bool(stream.comments) is fault.comments
    assert (b"\r\n" in plan.body) is (fault.newline == "\r\n")
    check_usage(fault, stream.usage)


@pytest.mark.parametrize("fault", PLAIN_FAULTS, ids=lambda fault: fault.id)
def test_every_fault_of_a_plain_answer(fault: Fault) -> None:
    plan = answer(fault, stream=False)
    assert not plan.chunked
    if fault.status is not None:
        check_error(fault, plan)
    elif fault.then is Then.RESET:
        whole = answer("none", stream=False).body
        assert (plan.body, plan.length) == (whole[: len(whole) // 2], len(whole))
    elif fault.body in (Body.NOT_JSON, Body.EMPTY):
        assert plan.body == (NOT_JSON if fault.body is Body.NOT_JSON else b"")
        with pytest.raises(DecodeError):
            decode_message(plan.body)
    elif fault.body is Body.NO_CHOICES:
        assert json.loads(plan.body)["content"] == []
    else:
        message = decode_message(plan.body)
        assert (message.text, message.stop_reason, message.model) == (SAID.text, "end_turn", SAID.model)
        check_usage(fault, message.usage)


def check_usage(fault: Fault, usage: object) -> None:
    if fault.usage is Usage.TRUE:
        assert sane_usage(usage, True) == (SAID.prompt_tokens, SAID.completion_tokens)
        return
    assert sane_usage(usage, True) is None
    if fault.usage is Usage.ABSENT:
        assert usage is None
    else:
        assert isinstance(usage, dict)
        figure = usage["output_tokens"]
        expected = {Usage.ZERO: figure == 0, Usage.NEGATIVE: figure < 0, Usage.HUGE: figure == 10**15}
        assert expected.get(fault.usage, math.isnan(figure))


TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def check_error(fault: Fault, plan: Plan) -> None:
    assert plan.status == fault.status
    error = decode_error(plan.body)
    assert error is not None
    assert error.message
    assert error.type == TYPES.get(plan.status, "api_error")
    headers = dict(plan.headers)
    assert error.request_id == headers["request-id"]
    assert (KEY in error.message) is (fault.status == 401)
    retry = {"http-429": "7", "http-429-date": "Sun, 09 Sep 2001 01:46:47 GMT"}.get(fault.id)
    assert headers.get("retry-after") == retry
    assert headers.get("anthropic-ratelimit-requests-remaining") == ("0" if fault.status == 429 else None)


def test_a_fault_that_does_not_apply_changes_nothing() -> None:
    assert answer("reset-mid-stream", stream=False) == answer(stream=False)
    assert answer("ping-in-odd-places", stream=False) == answer(stream=False)
    assert answer("not-json") == answer()
    assert answer(replace(FAULTS["cut"], providers=frozenset({Provider.BEDROCK}))) == answer()


def test_pings_stand_before_every_event_and_change_nothing_else() -> None:
    odd, healthy = decode_stream(answer("ping-in-odd-places").body), decode_stream(answer().body)
    assert [event.kind for event in odd.events[::2]] == [Kind.PING] * len(healthy.events)
    assert [event.raw for event in odd.events[1::2]] == [event.raw for event in healthy.events]


def test_writes() -> None:
    healthy = answer()
    assert all(step.data.endswith(b"\n\n") for step in healthy.steps if isinstance(step, Write))
    for id_ in ("coalesced", "one-byte-segments", "split-utf8"):
        plan = answer(id_)
        writes = [step for step in plan.steps if isinstance(step, Write)]
        assert (plan.body, plan.contents) == (healthy.body, healthy.contents)
        if FAULTS[id_].writes is Writes.COALESCED:
            assert len(writes) == 1
        elif FAULTS[id_].writes is Writes.ONE_BYTE:
            assert {len(write.data) for write in writes} == {1}
        else:
            assert sum(0x80 <= write.data[0] < 0xC0 for write in writes) == 4  # é 海 漢 and the bird


def test_silence_and_delay() -> None:
    assert answer("no-headers").before == (Stall(),)
    assert answer("no-headers", stream=False).before == (Stall(),)
    assert answer("slow-first-token", stream=False).before == (Pause(150),)
    assert Pause(150) in answer("slow-first-token").steps


def test_ids() -> None:
    again = encode_answer(ASKED, SAID, attempt=1)
    assert answer() == answer()
    assert decode_stream(again.body).ids != decode_stream(answer().body).ids
    (id_,) = decode_stream(answer().body).ids
    assert id_.startswith("msg_01")
    assert decode_message(answer(stream=False).body).id == id_


def test_the_limits_are_said_with_the_time_at_which_they_are_whole_again() -> None:
    headers = dict(answer().headers)
    assert headers["anthropic-ratelimit-tokens-reset"] == "2001-09-09T01:47:40Z"
    assert headers["content-type"] == "text/event-stream; charset=utf-8"


def test_bodies_for_who_carries_them_otherwise() -> None:
    bodies = Bodies(SAID, digest("x"), id_prefix="msg_vrtx_01")
    plan = carry(ASKED, bodies, headers=())
    (id_,) = decode_stream(plan.body).ids
    assert id_ == bodies.id
    assert id_.startswith("msg_vrtx_01")
    events = [*bodies.opening(), *bodies.contents(), *bodies.closing(), bodies.terminal()]
    assert [event.data for event in decode_stream(plan.body).events] == events


def test_models_and_refusals() -> None:
    listed = json.loads(encode_models().body)
    assert [model["id"] for model in listed["data"]] == list(MODELS)
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (MODELS[0], MODELS[-1], False)
    assert [model["id"] for model in json.loads(encode_models(("a", "b")).body)["data"]] == ["a", "b"]
    refused = encode_error(400, message="no")
    error = decode_error(refused.body)
    assert error is not None
    assert (refused.status, refused.reason, error.message) == (400, "Bad Request", "no")
