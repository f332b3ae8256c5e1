"""What a fault makes of the parts of a stream, for no protocol in particular."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.fault import FAULTS, Then
from harness.core.names import Answer
from harness.providers.plan import (
    BEFORE_RESET_MS,
    Parts,
    Pause,
    Plan,
    Reset,
    Stall,
    Step,
    Write,
    plain_plan,
    reason,
    retry_after,
    stream_plan,
)

PARTS = Parts(
    opening=(b"<",),
    contents=(b"1", b"2", b"3", b"4"),
    closing=(b">",),
    terminal=(b".",),
    error_event=b"E",
    error_chunk=b"C",
    malformed=b"M",
    late=b"L",
    comment=b"#",
)

STREAMS = {
    "none": b"<1234>.",
    "reset-before-first": b"",
    "reset-mid-stream": b"<123",
    "cut": b"<123",
    "stall-mid-stream": b"<123",
    "error-event": b"<123E",
    "error-chunk": b"<123C",
    "malformed-chunk": b"<123M4>.",
    "no-done": b"<1234>",
    "duplicate-done": b"<1234>..",
    "after-done": b"<1234>.L",
    "coalesced": b"<1234>.",
    "comments": b"#<#1#2#3#4#>#.",
}


def streamed(fault: str) -> Plan:
    return stream_plan(FAULTS[fault], PARTS, headers=())


@pytest.mark.parametrize(("fault", "body"), STREAMS.items(), ids=STREAMS)
def test_bytes(fault: str, body: bytes) -> None:
    assert streamed(fault).body == body


def test_steps() -> None:
    assert streamed("reset-mid-stream").steps == (
        Write(b"<", 0),
        Write(b"1", 1),
        Write(b"2", 2),
        Write(b"3", 3),
        Pause(BEFORE_RESET_MS),
        Reset(),
    )
    coalesced = stream_plan(replace(FAULTS["coalesced"], then=Then.STALL, after=2), PARTS, headers=())
    expected: tuple[Step, ...] = (Write(b"<12", 2), Stall())
    assert coalesced.steps == expected


def test_a_point_beyond_the_answer_is_its_end() -> None:
    late = stream_plan(replace(FAULTS["reset-mid-stream"], after=99), PARTS, headers=())
    assert late.body == b"<1234"


def test_heads() -> None:
    assert streamed("none").headers == (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
    assert dict(streamed("wrong-content-type").headers)["content-type"].startswith("text/html")
    assert plain_plan(FAULTS["none"], b"x", headers=(("a", "b"),)).headers == (
        ("content-type", "application/json"),
        ("a", "b"),
    )
    assert reason(529) == "Overloaded"
    assert reason(404) == "Not Found"
    assert reason(599) == ""


def test_retry_after() -> None:
    assert retry_after(FAULTS["http-429"], 0.0) == (("retry-after", "7"),)
    assert retry_after(FAULTS["http-429-date"], 0.0) == (("retry-after", "Thu, 01 Jan 1970 00:00:07 GMT"),)
    assert retry_after(FAULTS["http-429-bare"], 0.0) == ()


def test_a_plain_answer_that_is_reset_in_the_middle_has_a_length_that_it_does_not_come_to() -> None:
    plan = plain_plan(FAULTS["reset-plain"], b"[1234]", headers=())
    assert (plan.body, plan.length, plan.chunked) == (b"[12", 6, False)
    assert plan.steps[-1] == Reset()


def test_a_plain_answer_that_is_reset_has_a_head_and_nothing_more() -> None:
    reset = replace(FAULTS["reset-before-first"], applies=frozenset(Answer))
    plan = plain_plan(reset, b"{}", headers=())
    assert (plan.body, plan.chunked, plan.steps[-1]) == (b"", True, Reset())
    assert plain_plan(FAULTS["reset-before-first"], b"{}", headers=()).body == b"{}"
