"""When a measured race says that nothing went wrong, and when it cannot say."""

import pytest

from harness.contracts.races import no_double_spend
from harness.contracts.registry import CONTRACTS, judge, load
from harness.core.recording import Ending, Exchange, Header, Mark, Recording, Request, Response, Side, Source
from harness.core.verdict import Verdict

MS = 1_000_000
AFFORDABLE = 2


def call(number, status, released_ms, answered_ms):
    return Exchange(
        id=f"c{number}",
        side=Side.CLIENT,
        operation="chat.completions",
        request=Request("POST", "http://x/", sent_ns=released_ms * MS),
        response=Response(status, "", (), answered_ms * MS, b"", ()) if status else None,
        ending=Ending.EOF if status else Ending.RESET,
        ended_ns=answered_ms * MS,
        tie=f"t.{number}",
    )


def recording(statuses, *, step_ms=0, affordable=AFFORDABLE):
    """Requests let go this far from each other, each answered 10 ms after it was."""
    exchanges = tuple(
        call(number, status, number * step_ms, number * step_ms + 10) for number, status in enumerate(statuses)
    )
    requests = [
        {"exchange": one.id, "tie": one.tie, "offset_ns": 0, "released_ns": one.request.sent_ns, "early": False}
        for one in exchanges
    ]
    mark = Mark("race", 99 * MS, {"kind": "double-spend", "affordable": affordable, "requests": requests})
    header = Header(source=Source.SIMULATOR, system="gateway", target="stranger")
    return Recording(header=header, exchanges=exchanges, marks=(mark,))


@pytest.mark.parametrize(
    ("made", "verdict", "says"),
    [
        (recording((200, 200, 402, 402)), Verdict.PASS, ""),
        (
            recording((200, 200, 200, 402)),
            Verdict.FAIL,
            "paid for 2 requests, 3 of 4 let go within 0.00 ms were served",
        ),
        (recording((200, 200, 402, 402), step_ms=4), Verdict.INCONCLUSIVE, "within 12.00 ms"),
        (recording((200, 200, 200, 402), step_ms=4), Verdict.FAIL, "within 12.00 ms were served"),
        (recording((200, 200, 402, 402), step_ms=3), Verdict.PASS, ""),
        (recording((200, 200, 402, 503)), Verdict.INCONCLUSIVE, "1 of 4 requests were neither served nor refused"),
        (recording((None, None, None)), Verdict.INCONCLUSIVE, "3 of 3 requests were neither"),
        (recording((200, 200, 200), affordable=None), Verdict.NOT_APPLICABLE, "nothing in the recording"),
    ],
    ids=["sound", "racy", "wide", "racy-though-wide", "just-met", "failed", "unanswered", "budget-unknown"],
)
def test_no_double_spend(made, verdict, says):
    load()
    judgement = judge(CONTRACTS["race.no-double-spend"], made)
    assert judgement.verdict is verdict
    assert says in " ".join([judgement.note, *(one.sentence for one in judgement.violations)])


def test_the_promise_is_told():
    assert "no more than K are served" in (no_double_spend.__doc__ or "")
