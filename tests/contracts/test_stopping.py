"""Contracts of calls under way when the target is stopped, on recordings made by hand."""

import json
from dataclasses import replace

import pytest

from harness.contracts.calls import broken_off, chat_calls, cut_short, failures
from harness.core.recording import STILL_OPEN, Ending, Header, Mark, Recording, Response, Segment, Side, Source
from harness.core.verdict import Verdict

HOLD = {"id": "h", "kind": "hold", "amount": 1, "delta": -1, "balance": 9}
SETTLE = {"kind": "settle", "amount": 1, "delta": 0, "balance": 9, "hold_id": "h"}
REFUND = {"kind": "refund", "amount": 1, "delta": 1, "balance": 10, "hold_id": "h"}
STOPPED = {"error": "The service is shutting down.", "code": "SHUTTING_DOWN"}
BLAMED = {"error": "Cannot connect.", "code": "AI_GENERATION_ERROR"}
SSE = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
WORDS = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "one "}, "finish_reason": None}]}
OURS = {"error": {"message": "It stops.", "type": "server_error", "param": None, "code": "gateway_shutting_down"}}
THEIRS = {"error": {"message": "Too slow.", "type": "provider_timeout", "param": None, "code": "provider_timeout"}}


@pytest.fixture
def run(studio):
    """The recording of a run that was under way when its target was stopped; its provider held its answer back."""

    def make(status=503, said=STOPPED, stopping=20, entries=(HOLD, SETTLE, REFUND), **provider):
        upstream = studio.provider(None, b"", **{"ending": Ending.CLIENT_CLOSE, **provider})
        call = studio.run(status, said)
        if status is None:
            call = replace(call, ending=Ending.FIN)
        return studio.recording(
            call, upstream, probes=[studio.ledger(*entries, balance=10)], marks=[("stopping", stopping, None)]
        )

    return make


def events(*said):
    return b"".join(b"data: %s\n\n" % (one if isinstance(one, bytes) else json.dumps(one).encode()) for one in said)


@pytest.fixture
def stream(studio):
    """The recording of a streamed completion that was under way when its target was stopped."""

    def make(*said, ending=Ending.CLIENT_CLOSE, error=None):
        asked = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
        sides = []
        for side, body in ((Side.CLIENT, events(*said)), (Side.PROVIDER, events(WORDS))):
            one = studio.exchange(side.value, side, "chat.completions", asked, 200, b"")
            head = Response(200, "", SSE, 20, body, (Segment(len(body), 30),))
            sides.append(replace(one, response=head, provider="openai" if side is Side.PROVIDER else None))
        upstream = replace(sides[1], ending=ending, error=error)
        return Recording(
            header=Header(source=Source.SIMULATOR, system="gateway", capabilities=frozenset(("provider", "variants"))),
            exchanges=(sides[0], upstream),
            marks=(Mark("stopping", 25),),
        )

    return make


def test_a_call_that_is_stopped_as_it_should_be(studio, run):
    for contract in ("cleanup.stop-ends-calls", "errors.stop-told", "credits.refund-once", "errors.answered"):
        assert studio.judged(contract, run()).verdict is Verdict.PASS
    for contract in ("errors.provider-failure-mapped", "errors.failure-message", "errors.failure-details"):
        assert studio.judged(contract, run()).verdict is Verdict.NOT_APPLICABLE, "no provider is to blame"


@pytest.mark.parametrize(
    ("contract", "how"),
    [
        ("cleanup.stop-ends-calls", {"status": None, "said": b""}),
        ("cleanup.stop-ends-calls", {"status": 400}),
        ("cleanup.stop-ends-calls", {"ending": Ending.FIN}),
        ("credits.refund-once", {"entries": (HOLD, SETTLE)}),
        ("credits.nothing-delivered-nothing-charged", {"entries": (HOLD, SETTLE)}),
    ],
)
def test_a_call_that_is_stopped_otherwise(studio, run, contract, how):
    assert studio.judged(contract, run(**how)).verdict is Verdict.FAIL


def test_a_provider_is_not_to_be_blamed_for_a_stop(studio, run):
    assert studio.judged("errors.stop-told", run(500, BLAMED)).verdict is Verdict.WARN
    assert studio.judged("errors.stop-told", run(503, {"error": "It stops."})).verdict is Verdict.WARN


def test_a_stop_before_or_after_a_call_is_none_of_it(studio, run):
    for stopping in (5, 45):
        assert studio.judged("cleanup.stop-ends-calls", run(stopping=stopping)).verdict is Verdict.NOT_APPLICABLE


def test_a_call_that_was_let_end_is_judged_as_ever(studio):
    made = studio.recording(studio.run(), studio.provider(), marks=[("stopping", 20, None)])
    assert studio.judged("cleanup.stop-ends-calls", made).verdict is Verdict.NOT_APPLICABLE
    assert studio.judged("errors.answer-delivered", made).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("said", "how", "verdicts"),
    [
        ((WORDS, OURS, b"[DONE]"), {}, (Verdict.PASS, Verdict.PASS)),
        ((WORDS, THEIRS, b"[DONE]"), {}, (Verdict.PASS, Verdict.WARN)),
        ((WORDS, b"[DONE]"), {}, (Verdict.FAIL, Verdict.NOT_APPLICABLE)),
        ((WORDS,), {}, (Verdict.FAIL, Verdict.NOT_APPLICABLE)),
        ((WORDS, OURS, b"[DONE]"), {"ending": Ending.FIN}, (Verdict.FAIL, Verdict.PASS)),
        ((WORDS, OURS, b"[DONE]"), {"error": STILL_OPEN}, (Verdict.FAIL, Verdict.PASS)),
    ],
)
def test_a_stream_that_is_stopped(studio, stream, said, how, verdicts):
    made = stream(*said, **how)
    found = [studio.judged(contract, made).verdict for contract in ("cleanup.stop-ends-streams", "errors.stop-told")]
    assert found == list(verdicts)


def test_a_stream_that_is_stopped_is_broken_off_and_no_providers_failure(stream):
    made = stream(WORDS, OURS, b"[DONE]")
    (call,) = chat_calls(made)
    assert (failures(call, made), cut_short(call, made), broken_off(call, made)) == ((), True, True)
    assert call.codes == ("gateway_shutting_down",)
