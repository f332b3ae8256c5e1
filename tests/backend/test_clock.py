"""Time that is waited for, and time that is skipped."""

import asyncio
import time

import pytest

from harness.backend.clock import Clock, SkippingClock


async def test_skipped_time_has_passed_for_everybody_who_reads_the_clock():
    clock = SkippingClock()
    before, really = clock.now_s(), time.monotonic()
    await clock.sleep(120)
    assert clock.now_s() - before >= 120
    assert time.monotonic() - really < 120
    clock.advance(30)
    assert clock.now_s() - before >= 150


async def test_others_run_while_time_is_skipped():
    clock, seen = SkippingClock(), []

    async def other():
        seen.append("other")

    task = asyncio.create_task(other())
    await clock.sleep(1)
    assert seen == ["other"]
    await task


def test_real_time_does_not_jump_and_no_time_goes_back():
    with pytest.raises(ValueError, match="real"):
        Clock().advance(1)
    with pytest.raises(ValueError, match="back"):
        SkippingClock().advance(-1)
