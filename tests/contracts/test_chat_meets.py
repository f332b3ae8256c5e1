"""Two requests for one session at once: when it is said that nothing went wrong, and when that is not known."""

import json
from dataclasses import replace

import pytest

from harness.contracts.registry import CONTRACTS, judge, load
from harness.core.names import Capability
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
from harness.systems import accounting, chat

MS = 1_000_000
SESSION = "http://x/chat/sessions/11111111-1111-4111-8111-111111111111"
STREAMING = "11111111-1111-4111-8111-111111111111"
EVENTS = b'event: delta\ndata: {"text": "a"}\n\nevent: done\ndata: {"usage": {}, "creditsUsed": 1}\n\n'
BROKEN = b'event: delta\ndata: {"text": "a"}\n\nevent: error\ndata: {"message": "no", "errorCode": "X"}\n\n'


def exchange(id, operation, url, times_ms, status, body=b"{}"):
    sent_ms, head_ms, ended_ms = times_ms
    kind = "text/event-stream" if body.startswith(b"event") else "application/json"
    pieces = (Segment(len(body), ended_ms * MS),)
    return Exchange(
        id=id,
        side=Side.CLIENT,
        operation=operation,
        request=Request("POST", url, sent_ns=sent_ms * MS),
        response=Response(status, "", (("content-type", kind),), head_ms * MS, body, pieces),
        ending=Ending.EOF,
        ended_ns=ended_ms * MS,
        tie=f"t.{id}" if operation == chat.STREAM.name else None,
    )


def stream(id, times_ms, status, body=EVENTS):
    return exchange(id, chat.STREAM.name, f"{SESSION}/stream", times_ms, status, body if status == 200 else b"{}")


def recording(name, data, *exchanges, probes=(), capabilities=()):
    requests = [
        {"exchange": one.id, "tie": one.tie, "offset_ns": 0, "released_ns": one.request.sent_ns, "early": False}
        for one in exchanges
        if data["raced"] is None or one.operation in data["raced"]
    ]
    facts = {key: value for key, value in data.items() if key != "raced"}
    header = Header(
        source=Source.SIMULATOR, system="chat", target="stranger", capabilities=frozenset(capabilities), scenario="any"
    )
    mark = Mark(name, 999 * MS, {**facts, "requests": requests})
    return Recording(header=header, exchanges=exchanges, marks=(mark,), probes=tuple(probes))


def submits(*streams):
    return recording("race", {"kind": "double-submit", "raced": None}, *streams)


def forced(kind, *requests, others=(), **facts):
    data = {"kind": kind, "moment": "now", "offset": None, "requests": [one.tie for one in requests], **facts}
    header = Header(source=Source.SIMULATOR, system="chat", target="stranger", capabilities=frozenset(["provider"]))
    return Recording(header=header, exchanges=(*requests, *others), marks=(Mark("forced", 0, data),))


def deleted_at(streamed, times_ms):
    """A deletion whose moment was forced, and its stream."""
    deletion = replace(exchange("d", chat.DELETE.name, SESSION, times_ms, 204, b""), tie="t.d")
    return forced("delete", deletion, others=(streamed,), stream=streamed.tie)


def deletes(streamed, times_ms, *, gated):
    deleted = exchange("d", chat.DELETE.name, SESSION, times_ms, 204, b"")
    data = {"kind": "delete", "origin_ns": 0, "stream": streamed.tie, "gated": gated, "raced": (chat.DELETE.name,)}
    return recording("sweep", data, streamed, deleted)


def settled(*told, charged, step_ms=0):
    """Ends of one stream let go this far from each other, which were told these credits (None: 409); the account."""
    url = f"http://x/streaming-sessions/{STREAMING}/finalize"
    ends = [
        exchange(
            f"e{number}",
            accounting.FINALIZE.name,
            url,
            (number * step_ms, number * step_ms + 10, number * step_ms + 11),
            409 if used is None else 200,
            json.dumps({"creditsUsed": used}).encode(),
        )
        for number, used in enumerate(told)
    ]
    entry = {"id": "s", "kind": "settle", "amount": charged, "delta": 0, "balance": 0, "hold_id": "h"}
    account = {"user_id": "u", "balance": 0, "settled": True, "in_flight": 0, "entries": [entry], "usage": []}
    data = {"kind": "settle", "session": STREAMING, "raced": None}
    probes = [Probe("ledger", 999 * MS, account)]
    return recording("race", data, *ends, probes=probes, capabilities=[Capability.LEDGER])


def judged(contract, made):
    load()
    found = judge(CONTRACTS[contract], made)
    return found.verdict, " ".join([found.note, *(one.sentence for one in found.violations)])


@pytest.mark.parametrize(
    ("made", "verdict", "says"),
    [
        (submits(stream("a", (0, 10, 40), 200), stream("b", (1, 11, 12), 409)), Verdict.PASS, ""),
        (
            submits(stream("a", (0, 10, 40), 200), stream("b", (1, 20, 50), 200)),
            Verdict.FAIL,
            "2 were answered at once",
        ),
        (submits(stream("a", (0, 10, 40), 200), stream("b", (1, 11, 12), 502)), Verdict.FAIL, "not 200, 502"),
        (submits(stream("a", (0, 10, 12), 409), stream("b", (1, 11, 12), 409)), Verdict.FAIL, "not 409, 409"),
        (
            submits(stream("a", (0, 10, 40), 200), stream("b", (30, 41, 42), 409)),
            Verdict.INCONCLUSIVE,
            "never have met",
        ),
        (
            submits(stream("a", (0, 10, 20), 200), stream("b", (30, 41, 42), 200)),
            Verdict.INCONCLUSIVE,
            "never have met",
        ),
        (forced("double-submit", *(stream("a", (0, 50, 60), 200), stream("b", (1, 11, 12), 409))), Verdict.PASS, ""),
        (forced("double-submit", *(stream("a", (0, 50, 60), 200), stream("b", (1, 51, 61), 200))), Verdict.FAIL, "2"),
    ],
    ids=["sound", "both", "other-refusal", "neither", "wide", "one-after-the-other", "forced", "forced-both"],
)
def test_no_double_submit(made, verdict, says):
    found, told = judged("race.no-double-submit", made)
    assert found is verdict
    assert says in told


@pytest.mark.parametrize(
    ("made", "verdict", "says"),
    [
        (deletes(stream("a", (0, 10, 60), 200, BROKEN), (20, 30, 31), gated=True), Verdict.PASS, ""),
        (deletes(stream("a", (0, 10, 60), 200), (20, 30, 31), gated=True), Verdict.FAIL, "30.0 ms later"),
        (deletes(stream("a", (0, 10, 60), 200), (20, 30, 31), gated=False), Verdict.PASS, ""),
        (deletes(stream("a", (0, 10, 160), 200), (20, 30, 31), gated=False), Verdict.FAIL, "130.0 ms later"),
        (deletes(stream("a", (0, 10, 60), 200), (50, 70, 71), gated=True), Verdict.PASS, ""),
        (deletes(stream("a", (0, 10, 20), 200), (50, 70, 71), gated=True), Verdict.INCONCLUSIVE, "None of 1 deletions"),
        (deletes(stream("a", (50, 60, 61), 410), (0, 10, 11), gated=True), Verdict.INCONCLUSIVE, "None of 1 deletions"),
        (deleted_at(stream("a", (0, 10, 60), 200, BROKEN), (20, 30, 31)), Verdict.PASS, ""),
        (deleted_at(stream("a", (0, 40, 41), 410), (20, 30, 31)), Verdict.PASS, ""),
        (deleted_at(stream("a", (0, 10, 60), 200), (20, 30, 31)), Verdict.FAIL, "30.0 ms later"),
        (deleted_at(stream("a", (50, 60, 90), 200), (20, 30, 31)), Verdict.FAIL, "60.0 ms later"),
    ],
    ids=[
        *("ended", "went-on", "on-its-way", "went-on-long", "ended-before", "too-late", "too-early"),
        *("forced", "forced-before-the-head", "forced-went-on", "forced-before-the-stream"),
    ],
)
def test_deletion_wins(made, verdict, says):
    found, told = judged("race.deletion-wins", made)
    assert found is verdict
    assert says in told


@pytest.mark.parametrize(
    ("made", "verdict", "says"),
    [
        (settled(7, 7, 7, charged=7), Verdict.PASS, ""),
        (settled(7, 7, 7, charged=14), Verdict.FAIL, "told to cost 7; 14 were charged"),
        (settled(7, 2, charged=7), Verdict.FAIL, "2 ended a stream; 0 were not served, the others read 2, 7"),
        (settled(7, None, charged=7), Verdict.FAIL, "1 were not served"),
        (settled(7, 7, charged=7, step_ms=20), Verdict.INCONCLUSIVE, "never have met"),
        (settled(7, 7, charged=14, step_ms=20), Verdict.FAIL, "14 were charged"),
    ],
    ids=["once", "twice", "told-otherwise", "refused", "wide", "twice-though-wide"],
)
def test_one_end_counts(made, verdict, says):
    found, told = judged("race.one-end-counts", made)
    assert found is verdict
    assert says in told
