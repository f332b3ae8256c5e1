"""When a measured race says that nothing went wrong, and when it cannot say."""

import pytest

from harness.contracts.races import no_double_spend
from harness.contracts.registry import CONTRACTS, judge, load
from harness.core.recording import (
    Ending,
    Exchange,
    Header,
    Mark,
    Recording,
    Request,
    Response,
    Segment,
    Side,
    Source,
)
from harness.core.verdict import Verdict
from harness.systems import chat

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


def forced(statuses):
    """The same where gates made sure that they met, however long it took."""
    exchanges = tuple(call(number, status, number * 50, 900) for number, status in enumerate(statuses))
    data = {"kind": "double-spend", "moment": "now", "offset": None, "affordable": AFFORDABLE}
    mark = Mark("forced", 0, {**data, "requests": [one.tie for one in exchanges]})
    header = Header(source=Source.SIMULATOR, system="gateway", target="stranger")
    return Recording(header=header, exchanges=exchanges, marks=(mark,))


@pytest.mark.parametrize(
    ("made", "verdict", "says"),
    [
        (recording((200, 200, 402, 402)), Verdict.PASS, ""),
        (forced((200, 200, 402, 402)), Verdict.PASS, ""),
        (forced((200, 200, 200, 402)), Verdict.FAIL, "paid for 2 requests, 3 of 4 were served"),
        (forced((200, 200, 503)), Verdict.INCONCLUSIVE, "1 of 3 requests were neither"),
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
    ids=[
        "sound",
        "forced",
        "racy-forced",
        "failed-forced",
        "racy",
        "wide",
        "racy-though-wide",
        "just-met",
        "failed",
        "unanswered",
        "budget-unknown",
    ],
)
def test_no_double_spend(made, verdict, says):
    load()
    judgement = judge(CONTRACTS["race.no-double-spend"], made)
    assert judgement.verdict is verdict
    assert says in " ".join([judgement.note, *(one.sentence for one in judgement.violations)])


def test_the_promise_is_told():
    assert "no more than K are served" in (no_double_spend.__doc__ or "")


SESSION = "http://x/chat/sessions/11111111-1111-4111-8111-111111111111"
EVENTS = b'event: delta\ndata: {"text": "a"}\n\nevent: done\ndata: {"usage": {}, "creditsUsed": 1}\n\n'


def chat_exchange(id, operation, method, sent_ms, head_ms, ended_ms, status):
    kind = (("content-type", "text/event-stream"),)
    pieces = (Segment(len(EVENTS), ended_ms * MS),)
    response = Response(status, "", kind, head_ms * MS, EVENTS if status == 200 else b"{}", pieces)
    path = "stream" if method == "POST" else "observe"
    return Exchange(
        id=id,
        side=Side.CLIENT,
        operation=operation,
        request=Request(method, f"{SESSION}/{path}", sent_ns=sent_ms * MS),
        response=response,
        ending=Ending.EOF,
        ended_ns=ended_ms * MS,
    )


def swept(*points, ended_ms=900):
    """The owner has the headers at 100 ms; observers are let go at these times, with these statuses."""
    owner = chat_exchange("c0", chat.STREAM.name, "POST", 50, 100, ended_ms, 200)
    exchanges, marks = [owner], []
    for number, (released_ms, status) in enumerate(points, 1):
        name = f"c{number}"
        exchanges.append(
            chat_exchange(name, chat.OBSERVE.name, "GET", released_ms, released_ms + 5, released_ms + 9, status)
        )
        row = {"exchange": name, "tie": None, "offset_ns": 0, "released_ns": released_ms * MS, "early": False}
        marks.append(Mark("sweep", 950 * MS, {"kind": "observe", "origin_ns": 100 * MS, "requests": [row]}))
    header = Header(source=Source.SIMULATOR, system="chat", target="stranger")
    return Recording(header=header, exchanges=tuple(exchanges), marks=tuple(marks))


@pytest.mark.parametrize(
    ("made", "verdict", "says"),
    [
        (swept((90, 404), (101, 200), (140, 200)), Verdict.PASS, ""),
        (swept((90, 200), (101, 404), (140, 200)), Verdict.FAIL, "let go 1.0 ms after the headers was answered by 404"),
        (swept((90, 404), (300, 200)), Verdict.INCONCLUSIVE, "Of 2 observers the closest 200.0 ms after the headers"),
        (swept((90, 404), (300, 404)), Verdict.FAIL, "let go 200.0 ms after the headers"),
        (swept((90, 404)), Verdict.INCONCLUSIVE, "Of 1 observers none after the headers"),
        (
            swept((150, 404), ended_ms=140),
            Verdict.INCONCLUSIVE,
            "none after the headers asked while the stream went on",
        ),
        (swept(), Verdict.NOT_APPLICABLE, "nothing in the recording"),
    ],
    ids=["sound", "late", "far", "far-and-late", "before", "after-the-end", "none"],
)
def test_visible_from_the_headers_on(made, verdict, says):
    load()
    judgement = judge(CONTRACTS["race.visible-from-the-headers-on"], made)
    assert judgement.verdict is verdict
    assert says in " ".join([judgement.note, *(one.sentence for one in judgement.violations)])
