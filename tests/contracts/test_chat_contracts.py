"""Contracts of chat on recordings made by hand: which states are known for sure, and what races allow."""

import json

import pytest

from harness.contracts.chat_calls import observations, stream_calls
from harness.contracts.chat_lives import taken
from harness.core.recording import (
    Ending,
    Exchange,
    Header,
    Mark,
    Probe,
    Recording,
    Request,
    Response,
    Segment,
    Side,
    Source,
)
from harness.core.verdict import Verdict
from harness.systems.chat import State, Step

SESSION = "0190f0b0-0000-4000-8000-000000000001"
BASE = "http://127.0.0.1:1"
SSE = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
DELTAS = [("delta", {"text": text}) for text in ("one ", "two ", "three")]
DONE = ("done", {"usage": {"inputTokens": 1, "outputTokens": 2}, "creditsUsed": 3})
ERROR = ("error", {"message": "it failed", "errorCode": "PROVIDER_TIMEOUT"})


def sse(*events):
    return b"".join(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode() for name, data in events)


def exchange(id, operation, method, path, status, body=b"", *, sent, at, ended, asked=b"", tie=None, **more):
    """An exchange of a client's, answered at ``at`` (headers) and over at ``ended``, the body arriving then."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = SSE if raw.startswith(b"event:") else (("content-type", "application/json"),)
    known = {"side": Side.CLIENT, "ending": Ending.EOF} | more
    return Exchange(
        id=id,
        operation=operation,
        request=Request(method, BASE + path, (), asked, sent),
        response=None if status is None else Response(status, "", headers, at, raw, (Segment(len(raw), ended),)),
        ended_ns=ended,
        tie=tie,
        **known,
    )


def created(id="c1", session=SESSION):
    body = {"sessionId": session}
    return exchange(id, "chat.sessions.create", "POST", "/chat/sessions", 201, body, sent=1, at=2, ended=3)


def stream(id="c2", *events, status=200, session=SESSION, sent=10, at=20, ended=40, body=None, **more):
    said = sse(*(events or (*DELTAS, DONE))) if body is None else body
    asked = json.dumps({"message": "Hi", "modelId": "amazon.nova-lite-v1:0"}).encode()
    path = f"/chat/sessions/{session}/stream"
    known = {"tie": f"t.{id[1:]}", "asked": asked} | more
    return exchange(id, "chat.stream", "POST", path, status, said, sent=sent, at=at, ended=ended, **known)


def observe(id="c3", *events, status=200, sent=25, at=26, ended=41, body=None, **more):
    said = sse(*(events or (*DELTAS, DONE))) if body is None else body
    path = f"/chat/sessions/{SESSION}/observe"
    return exchange(id, "chat.observe", "GET", path, status, said, sent=sent, at=at, ended=ended, **more)


def delete(id="c4", status=204, sent=50, ended=60, **more):
    path = f"/chat/sessions/{SESSION}"
    return exchange(
        id, "chat.sessions.delete", "DELETE", path, status, b"", sent=sent, at=ended - 1, ended=ended, **more
    )


def recorded(*exchanges, marks=(), probes=(), **header):
    known = {
        "source": Source.SIMULATOR,
        "system": "chat",
        "capabilities": frozenset(("accounts", "ledger", "provider")),
    }
    return Recording(
        header=Header(**(known | header)),
        exchanges=tuple(sorted(exchanges, key=lambda one: one.request.sent_ns)),
        marks=tuple(Mark(*mark) for mark in marks),
        probes=tuple(Probe(*probe) for probe in probes),
    )


def states(recording):
    """What was done in sessions; that they were made is a step of none."""
    return [(one.exchange.id, one.state, one.step) for one in taken(recording) if one.step is not Step.CREATE]


REFUSED = {"message": "no", "errorCode": "SESSION_BUSY"}


@pytest.mark.parametrize(
    ("second", "state"),
    [
        (stream("c3", status=409, body=REFUSED, sent=25, at=26, ended=27), State.STREAMING),
        (stream("c3", sent=41, at=45, ended=50), State.IDLE),
        (stream("c3", status=409, body=REFUSED, sent=15, at=16, ended=17), None),  # before the headers of the first
        (stream("c3", status=409, body=REFUSED, sent=39, at=44, ended=45), None),  # answered after its end
        (delete("c3", sent=45, ended=46), State.IDLE),
    ],
)
def test_a_state_is_known_only_where_no_other_is_possible(second, state):
    found = [one for one in states(recorded(created(), stream(), second)) if one[0] == "c3"]
    assert [one[1] for one in found] == ([state] if state else [])


def test_a_deletion_counts_from_its_answer_on():
    before = stream("c5", status=410, body=REFUSED, sent=55, at=57, ended=58)
    after = stream("c6", status=410, body=REFUSED, sent=61, at=62, ended=63)
    deleted = ("c6", State.DELETED, Step.STREAM)
    assert states(recorded(created(), delete(), after)) == [("c4", State.IDLE, Step.DELETE), deleted]
    assert states(recorded(created(), delete(), before, after)) == [deleted]


def test_a_stream_whose_owner_left_is_over_once_the_target_says_so():
    left = stream("c2", *DELTAS, ending=Ending.CLIENT_CLOSE)
    again = stream("c3", sent=70, at=75, ended=80)
    at_rest = ("ledger", 60, {"settled": True})
    assert [one for one in states(recorded(created(), left, again)) if one[0] == "c3"] == []
    assert states(recorded(created(), left, again, probes=[at_rest]))[-1] == ("c3", State.IDLE, Step.STREAM)


def test_a_session_that_nobody_saw_made_and_a_request_that_was_refused_for_itself_tell_nothing():
    bad = stream("c3", status=400, body={"message": "no", "errorCode": "INVALID_REQUEST"})
    assert states(recorded(stream())) == []
    assert states(recorded(created(), bad)) == []


def judged(studio, contract, recording):
    return studio.judged(contract, recording).verdict


def test_an_observer_must_be_let_in_from_the_headers_to_the_end_and_not_before_or_after(studio):
    none = {"message": "No active streaming session found for observation", "errorCode": "SESSION_NOT_ACTIVE"}
    for sent, at, verdict in (
        (21, 22, Verdict.FAIL),
        (15, 16, Verdict.NOT_APPLICABLE),
        (39, 45, Verdict.NOT_APPLICABLE),
    ):
        recording = recorded(created(), stream(), observe(status=404, body=none, sent=sent, at=at, ended=at))
        assert judged(studio, "race.observer-let-in", recording) is verdict
    assert judged(studio, "race.observer-let-in", recorded(created(), stream(), observe())) is Verdict.PASS
    late = recorded(created(), stream(), observe(status=404, body=none, sent=50, at=51, ended=52))
    assert judged(studio, "race.observer-too-late", late) is Verdict.PASS
    other = recorded(created(), stream(), observe(status=404, body={"message": "gone"}, sent=50, at=51, ended=52))
    assert judged(studio, "race.observer-too-late", other) is Verdict.FAIL


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ((*DELTAS, DONE), Verdict.PASS),
        ((*DELTAS[1:], DONE), Verdict.FAIL),
        ((DELTAS[0], *DELTAS, DONE), Verdict.FAIL),
        ((DELTAS[1], DELTAS[0], DELTAS[2], DONE), Verdict.FAIL),
    ],
)
def test_an_observer_reads_what_the_owner_reads(studio, seen, verdict):
    recording = recorded(created(), stream(), observe("c3", *seen))
    assert judged(studio, "race.observer-sees-all", recording) is verdict


def test_where_the_owner_left_an_observer_may_have_read_more_and_reads_an_error(studio):
    left = stream("c2", *DELTAS[:1], ending=Ending.CLIENT_CLOSE)
    for seen, verdict in (((*DELTAS, ERROR), Verdict.PASS), ((*DELTAS, DONE), Verdict.FAIL), (DELTAS, Verdict.FAIL)):
        recording = recorded(created(), left, observe("c3", *seen))
        assert judged(studio, "race.observer-sees-all", recording) is Verdict.PASS
        assert judged(studio, "race.observer-reads-the-end", recording) is verdict
    hanging = observe("c3", *DELTAS, ending=Ending.CLIENT_CLOSE)
    recording = recorded(created(), left, hanging, marks=[("observer-left-hanging", 90)])
    assert judged(studio, "race.observer-reads-the-end", recording) is Verdict.FAIL


def test_an_observer_who_left_is_not_asked_what_it_read(studio):
    recording = recorded(created(), stream(), observe("c3", DELTAS[0], ending=Ending.CLIENT_CLOSE))
    assert judged(studio, "race.observer-sees-all", recording) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ((*DELTAS, DONE), Verdict.PASS),
        ((*DELTAS, ERROR), Verdict.PASS),
        (DELTAS, Verdict.FAIL),
        ((*DELTAS, DONE, DONE), Verdict.FAIL),
        ((*DELTAS, ERROR, DELTAS[0]), Verdict.FAIL),
    ],
)
def test_a_stream_has_one_end_and_nothing_after_it(studio, events, verdict):
    assert judged(studio, "stream.chat-one-terminal", recorded(created(), stream("c2", *events))) is verdict


def initialize(asked, status=201, sent=12):
    body = {"message": "no"} if status >= 400 else {}
    raw, path = json.dumps(asked).encode(), "/streaming-sessions/initialize"
    return exchange(
        "s1",
        "accounting.initialize",
        "POST",
        path,
        status,
        body,
        sent=sent,
        at=13,
        ended=14,
        asked=raw,
        side=Side.SERVICE,
    )


HOLD = {"sessionId": SESSION, "userId": "u", "modelId": "amazon.nova-lite-v1:0", "estimatedTokens": 2001}


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (HOLD, Verdict.PASS),
        ({name: value for name, value in HOLD.items() if name != "estimatedTokens"}, Verdict.FAIL),
        ({**HOLD, "estimatedTokens": 1}, Verdict.FAIL),
        ({**HOLD, "sessionId": "another"}, Verdict.PASS),
    ],
)
def test_accounting_is_always_told_an_estimate(studio, asked, verdict):
    assert judged(studio, "credits.estimate-always-sent", recorded(created(), stream(), initialize(asked))) is verdict


@pytest.mark.parametrize(
    ("why", "verdict"),
    [
        ("Failed to initialize streaming session: Request failed with status code 400", Verdict.PASS),
        ("Failed to initialize streaming session", Verdict.FAIL),
        (None, Verdict.FAIL),
    ],
)
def test_a_refused_hold_is_told_in_its_own_words(studio, why, verdict):
    body = {"message": "Error streaming chat response", "error": why}
    recording = recorded(created(), stream(status=502, body=body), initialize(HOLD, 400))
    assert judged(studio, "errors.initialize-failure-told", recording) is verdict


def settled(id, operation, status, credits, sent):
    path = f"/streaming-sessions/{SESSION}/{operation}"
    body = {"creditsUsed": credits}
    return exchange(id, f"accounting.{operation}", "POST", path, status, body, sent=sent, at=sent + 1, ended=sent + 2)


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([("finalize", 200, 5), ("abort", 200, 5)], Verdict.PASS),
        ([("finalize", 200, 5), ("abort", 200, 2)], Verdict.FAIL),
        ([("finalize", 200, 5), ("finalize", 409, 5)], Verdict.FAIL),
        ([("finalize", 200, 5)], Verdict.NOT_APPLICABLE),
    ],
)
def test_who_settles_again_reads_the_same(studio, ends, verdict):
    made = [settled(f"c{number}", *end, sent=10 * number) for number, end in enumerate(ends, 1)]
    assert judged(studio, "credits.settled-once-told-the-same", recorded(*made)) is verdict


def test_of_two_at_once_one_is_answered(studio):
    mark = ("double-submit", 5, {"ties": ["t.2", "t.3"]})
    lost = stream("c3", status=409, body=REFUSED, sent=11, at=12, ended=13)
    assert judged(studio, "race.one-submit-wins", recorded(stream(), lost, marks=[mark])) is Verdict.PASS
    assert judged(studio, "race.one-submit-wins", recorded(stream(), stream("c3"), marks=[mark])) is Verdict.FAIL
    forced = ("forced", 5, {"kind": "double-submit", "moment": "now", "offset": None, "requests": ["t.2", "t.3"]})
    assert judged(studio, "race.one-submit-wins", recorded(stream(), lost, marks=[forced])) is Verdict.PASS
    assert judged(studio, "race.one-submit-wins", recorded(stream(), stream("c3"), marks=[forced])) is Verdict.FAIL


@pytest.mark.parametrize(
    ("streamed", "late", "verdict"),
    [
        (stream("c2", *DELTAS, ERROR, ended=70), [], Verdict.PASS),
        (stream("c2", ended=70), [], Verdict.FAIL),
        (stream("c2", *DELTAS, ended=70), [], Verdict.FAIL),
        (stream("c2", status=410, body=REFUSED, at=69, ended=70), [], Verdict.PASS),
        (stream("c2", *DELTAS, ERROR, ended=70), [("gate-opened-late", 80, {"tie": "t.2"})], Verdict.FAIL),
        (stream("c2", *DELTAS, ERROR, ended=70), [("gate-opened-late", 80, {"tie": "t.9"})], Verdict.PASS),
        (stream("c2", *DELTAS, ERROR, ended=70), [("gate-opened-late", 80, None)], Verdict.FAIL),
        (stream("c2", *DELTAS, ended=70, ending=Ending.CLIENT_CLOSE), [], Verdict.NOT_APPLICABLE),
    ],
    ids=["error", "done", "silence", "before-the-head", "ran-on", "another-ran-on", "of-old", "left"],
)
def test_a_deletion_ends_what_is_streamed(studio, streamed, late, verdict):
    made = recorded(created(), streamed, delete(), marks=late)
    assert judged(studio, "session.delete-ends-stream", made) is verdict


def test_bytes_that_are_nobodys_stream_are_read_all_the_same():
    odd = recorded(
        created(), stream(body=b"event: delta\ndata: {\n\nevent: delta\ndata: [1]\n\n"), observe(body=b"event:")
    )
    (call,) = stream_calls(odd)
    assert (call.text, call.done, call.code, call.words) == ("", None, None, "")
    assert [one.events for one in observations(odd)] == [()]


def test_a_session_that_is_asked_for_is_a_step_whether_it_is_made_or_not():
    times = {"sent": 5, "at": 6, "ended": 7}
    failed = exchange("c2", "chat.sessions.create", "POST", "/chat/sessions", 500, {"message": "no"}, **times)
    found = taken(recorded(created(), failed))
    assert [(one.exchange.id, one.state, one.step, one.session) for one in found] == [
        ("c1", State.ABSENT, Step.CREATE, SESSION),
        ("c2", State.ABSENT, Step.CREATE, ""),
    ]


@pytest.mark.parametrize(
    ("observer", "verdict"),
    [
        (observe("c3", *DELTAS, ERROR), Verdict.PASS),
        (observe("c3", *DELTAS), Verdict.FAIL),
        (observe("c3", *DELTAS, DONE), Verdict.FAIL),
        (observe("c3", *DELTAS, ERROR, ending=Ending.RESET), Verdict.FAIL),
        (observe("c3", status=404, body=REFUSED), Verdict.NOT_APPLICABLE),
    ],
)
def test_an_observer_is_told_of_a_stop(studio, observer, verdict):
    stopped = ("stopping", 30, None)
    known = {"marks": [stopped], "capabilities": frozenset(("provider", "variants"))}
    made = recorded(created(), stream("c2", *DELTAS, ERROR), observer, **known)
    assert judged(studio, "cleanup.stop-ends-observers", made) is verdict
