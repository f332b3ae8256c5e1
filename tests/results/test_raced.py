"""Rows of races in a session: what is told of a request is what became of what it was about."""

import pytest

from harness.core.recording import Mark
from harness.results.raced import became, race_rows
from harness.systems import accounting, chat

DELTA = b'event: delta\ndata: {"text": "a"}\n\n'
DONE = b'event: done\ndata: {"usage": {}, "creditsUsed": 1}\n\n'
ERROR = b'event: error\ndata: {"message": "no", "errorCode": "SESSION_DELETED"}\n\n'


@pytest.fixture
def case(runs):
    return runs.case


@pytest.fixture
def stream(make):
    def made(*events, id="c1", status=200):
        return make.exchange([(20, b"".join(events))], id=id, tie=f"t.{id}", operation=chat.STREAM.name, status=status)

    return made


@pytest.fixture
def deletion(make):
    return make.exchange(headers=15, id="c2", tie="t.c2", operation=chat.DELETE.name, status=204)


def forced(kind, *ties, moment="now", offset=None, **more):
    return Mark("forced", 10, {"kind": kind, "moment": moment, "offset": offset, "requests": list(ties), **more})


@pytest.mark.parametrize(
    ("events", "status", "outcome"),
    [
        ((DELTA, DONE), 200, "served"),
        ((DELTA, ERROR), 200, "ended"),
        ((DELTA,), 200, "failed"),
        ((b"{}",), 410, "refused"),
        ((b"{}",), 502, "failed"),
    ],
)
def test_a_deletion_is_told_of_by_its_stream(case, make, stream, deletion, events, status, outcome):
    marks = (
        forced("delete", "t.c2", moment="amid the words", offset=3, stream="t.c1"),
        Mark(
            "sweep",
            30,
            {
                "kind": "delete",
                "origin_ns": 0,
                "stream": "t.c1",
                "requests": [
                    {"exchange": "c2", "tie": "t.c2", "offset_ns": 0, "released_ns": 2_000_000, "early": False}
                ],
            },
        ),
    )
    made = make.recording(stream(*events, status=status), deletion, marks=marks)
    at_once, swept = race_rows(case, made)
    assert (at_once["how"], at_once["moment"], at_once["offset_events"]) == ("forced", "amid the words", 3)
    assert (swept["how"], swept["offset_ms"]) == ("sweep", 2)
    assert {(one["exchange"], one["status"], one["outcome"]) for one in (at_once, swept)} == {("c2", status, outcome)}


def test_a_deletion_whose_stream_is_not_there_is_told_of_by_itself(case, make, deletion):
    (row,) = race_rows(case, make.recording(deletion, marks=(forced("delete", "t.c2", stream="t.c1"),)))
    assert (row["status"], row["outcome"]) == (204, "served")


def test_both_of_two_messages_have_a_row_by_either_mark(case, make, stream):
    streams = (stream(DELTA, DONE), stream(b"{}", id="c2", status=409))
    ties = [one.tie for one in streams]
    for mark in (forced("double-submit", *ties), Mark("double-submit", 10, {"ties": ties})):
        rows = list(race_rows(case, make.recording(*streams, marks=(mark,))))
        assert {one["kind"] for one in rows} == {"double-submit"}
        assert [one["outcome"] for one in rows] == ["served", "refused"]


def test_whoever_ends_a_stream_and_is_told_the_same_repeats(case, make):
    def end(id, at, body, status=200):
        return make.exchange([(at, body)], id=id, tie=f"t.{id}", operation=accounting.ABORT.name, status=status)

    ends = (end("c1", 30, b"7"), end("c2", 20, b"7"), end("c3", 40, b"2"), end("c4", 50, b"7", 404))
    rows = race_rows(case, make.recording(*ends, marks=(forced("settle", *(one.tie for one in ends)),)))
    assert {one["exchange"]: one["outcome"] for one in rows} == {
        "c1": "repeated",
        "c2": "served",
        "c3": "served",
        "c4": "refused",
    }


def test_other_calls_are_told_of_by_their_status(make):
    assert became(make.bursty()) == "served"
