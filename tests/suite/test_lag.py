"""How late the harness's own loop was, on a clock that the test sets."""

import asyncio
import time

import pytest

from harness.suite.lag import PERIOD_NS, LagMonitor

MS = 1_000_000


class Clock:
    def __init__(self):
        self.ns = 0

    def __call__(self):
        return self.ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def monitor(clock):
    """Woken at 10 (on time), 20 (on time), 80 (50 late), 90 (on time); the next is due at 100."""
    found = LagMonitor(clock=clock)
    found._due_ns = PERIOD_NS
    for woken_ms in (10, 20, 80, 90):
        found.note(woken_ms * MS)
    clock.ns = 95 * MS
    return found


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "worst_ms"),
    [
        (0, 15, 0),
        (0, 25, 50),  # 20 to 80 was one wait, whenever in it the loop was held up
        (30, 40, 50),
        (85, 88, 0),
        (0, 95, 50),
        (92, 94, 0),
    ],
)
def test_a_span_has_the_worst_wake_up_that_it_had_a_part_in(monitor, from_ms, to_ms, worst_ms):
    assert monitor.worst_ns(from_ms * MS, to_ms * MS) == worst_ms * MS


def test_a_wake_up_that_has_not_come_is_as_late_as_it_is_by_now(monitor, clock):
    clock.ns = 130 * MS
    assert monitor.worst_ns(92 * MS, 94 * MS) == 30 * MS
    assert monitor.worst_ns(85 * MS, 88 * MS) == 0


def test_each_exchange_has_the_lag_of_its_own_time(monitor):
    class Sent:
        def __init__(self, sent_ms):
            self.sent_ns = sent_ms * MS

    class Exchange:
        def __init__(self, id, sent_ms, ended_ms):
            self.id, self.request, self.ended_ns = id, Sent(sent_ms), ended_ms * MS

    class Recording:
        exchanges = (Exchange("c1", 0, 5), Exchange("c2", 20, 30), Exchange("c3", 80, 83))

    # the recording began at 5 on the monitor's clock
    assert monitor.of(Recording, 5 * MS).as_data() == {"case_ms": 50.0, "exchanges": {"c1": 0.0, "c2": 50.0, "c3": 0.0}}


async def test_it_watches_the_loop_it_is_entered_on():
    woken = asyncio.Event()

    class Noted(LagMonitor):
        def note(self, woken_ns):
            super().note(woken_ns)
            woken.set()

    began_ns = time.monotonic_ns()
    async with Noted() as monitor:
        await woken.wait()
        held_ns = time.monotonic_ns()
        while time.monotonic_ns() < held_ns + 2 * PERIOD_NS:
            """Hold the loop up: nothing else runs on it meanwhile."""
        assert monitor.worst_ns(held_ns, time.monotonic_ns()) >= PERIOD_NS
    assert monitor._task.cancelled()
    assert monitor.worst_ns(began_ns, began_ns) >= 0
