"""Accounting is asked once to end what it holds for a stream, on recordings made by hand."""

import json

import pytest

from harness.contracts.registry import CONTRACTS, judge, load
from harness.core.names import Capability
from harness.core.recording import Ending, Exchange, Header, Recording, Request, Response, Segment, Side, Source
from harness.core.verdict import Verdict
from harness.systems import accounting, chat

SESSION = "11111111-1111-4111-8111-111111111111"
BEGUN = b'event: delta\ndata: {"text": "a"}\n\n'
WELL = BEGUN + b'event: done\ndata: {"usage": {}, "creditsUsed": 1}\n\n'
HOLD = (accounting.INITIALIZE, 201)
FINALIZED, ABORTED = (accounting.FINALIZE, 200), (accounting.ABORT, 200)


def exchange(id, side, route, sent_ns, status, body=b"{}", asked=b"{}", **more):
    kind = (("content-type", "text/event-stream" if body.startswith(b"event") else "application/json"),)
    pieces = (Segment(len(body), sent_ns + 2),)
    return Exchange(
        id=id,
        side=side,
        operation=route.name,
        request=Request(route.method, f"http://x{route.path.format(session_id=SESSION)}", (), asked, sent_ns),
        response=None if status is None else Response(status, "", kind, sent_ns + 1, body, pieces),
        ended_ns=more.pop("ended_ns", sent_ns + 3),
        **({"ending": Ending.EOF} | more),
    )


def recording(*asked, streamed=True, **owner):
    """A stream, and what accounting was asked: ``(route, status)``, one after the other."""
    told = json.dumps({"sessionId": SESSION}).encode()
    services = [
        exchange(f"s{n}", Side.SERVICE, route, 10 * n, status, asked=told) for n, (route, status) in enumerate(asked, 1)
    ]
    stream = exchange("c1", Side.CLIENT, chat.STREAM, 5, 200, owner.pop("body", WELL), ended_ns=99, tie="t.1", **owner)
    header = Header(source=Source.SIMULATOR, system="chat", target="any", capabilities=frozenset([Capability.PROVIDER]))
    return Recording(header=header, exchanges=(*([stream] if streamed else ()), *services))


LEFT = {"ending": Ending.CLIENT_CLOSE, "body": BEGUN}


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (recording(HOLD, FINALIZED), Verdict.PASS),
        (recording(HOLD, ABORTED, **LEFT), Verdict.PASS),
        (recording(HOLD), Verdict.PASS),
        (recording(HOLD, FINALIZED, ABORTED, **LEFT), Verdict.FAIL),
        (recording(HOLD, ABORTED, ABORTED, **LEFT), Verdict.FAIL),
        (recording(HOLD, FINALIZED, FINALIZED), Verdict.FAIL),
        (recording(HOLD, (accounting.FINALIZE, 500), ABORTED), Verdict.PASS),
        (recording(HOLD, (accounting.ABORT, None), ABORTED, **LEFT), Verdict.PASS),
        (recording(HOLD, (accounting.ABORT, None), ABORTED, ABORTED, **LEFT), Verdict.FAIL),
        (recording(HOLD, ABORTED, HOLD, FINALIZED), Verdict.PASS),
        (recording(HOLD, HOLD, ABORTED, ABORTED), Verdict.PASS),
        (recording(HOLD, ABORTED, ABORTED, HOLD), Verdict.FAIL),
        (recording(FINALIZED, ABORTED), Verdict.NOT_APPLICABLE),
        (recording(HOLD, FINALIZED, ABORTED, streamed=False), Verdict.NOT_APPLICABLE),
    ],
    ids=[
        *(
            "well",
            "left",
            "not-ended",
            "both",
            "aborted-twice",
            "finalized-twice",
            "after-a-failure",
            "after-no-answer",
        ),
        *("twice-after-no-answer", "one-after-the-other", "two-at-once", "before-the-next", "no-hold", "no-stream"),
    ],
)
def test_an_end_is_asked_for_once(made, verdict):
    load()
    assert judge(CONTRACTS["credits.chat-one-end-asked"], made).verdict is verdict


def test_it_is_said_what_was_asked_for():
    load()
    (found,) = judge(CONTRACTS["credits.chat-one-end-asked"], recording(HOLD, FINALIZED, ABORTED, **LEFT)).violations
    assert found.sentence.endswith("were asked for more often than its holds: finalize, abort.")
    assert [one.exchange for one in found.evidence] == ["s2", "s3"]
