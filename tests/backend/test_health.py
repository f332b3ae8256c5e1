"""What is learned is good for a while, by the clock that all waits go by."""

from harness.backend.clock import SkippingClock
from harness.backend.health import Learned


async def test_what_is_known_is_good_until_so_much_time_has_passed():
    clock, asked = SkippingClock(), []

    async def ask():
        asked.append(len(asked))
        return asked[-1]

    learned = Learned(ask, clock, 600.0)
    assert [await learned.answer() for _ in range(3)] == [0, 0, 0]
    clock.advance(601)
    assert [await learned.answer() for _ in range(2)] == [1, 1]
