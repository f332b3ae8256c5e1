import asyncio
from uuid import uuid4

import pytest

from harness.backend.flights import Flights, finish
from harness.backend.upstream import UpstreamError, limited


async def test_idle_waits_for_the_calls_of_one_user_only():
    flights, mine, others = Flights(), uuid4(), uuid4()
    with flights.enter(others):
        assert await flights.idle(0, mine)
        with flights.enter(mine):
            assert (flights.count(mine), flights.count()) == (1, 2)
            assert not await flights.idle(0, mine)
            waiting = asyncio.create_task(flights.idle(10, mine))
            await asyncio.wait({waiting}, timeout=0.01)
            assert not waiting.done()
        assert await waiting
        assert not await flights.idle(0)
    assert await flights.idle(0)


async def test_draining_lets_calls_end_then_ends_them():
    flights, ended = Flights(), []

    async def call():
        with flights.enter(uuid4()) as flight:
            try:
                async with asyncio.timeout(60) as flight.limit:
                    await asyncio.Event().wait()
            except TimeoutError:
                ended.append(flights.draining)

    task = asyncio.create_task(call())
    await asyncio.wait({task}, timeout=0.01)
    assert await flights.drain(0.5)
    await task
    assert ended == [True]


@pytest.mark.parametrize("grace_s", [0.0, 60.0])
async def test_how_long_calls_may_run_on_is_part_of_the_bound(grace_s):
    flights = Flights()
    with flights.enter(uuid4()) as flight:
        assert not await flights.drain(0.02, grace_s)
        assert flight.over


async def test_a_call_that_comes_to_its_provider_late_is_ended_as_soon_as_it_waits():
    flights = Flights()
    with flights.enter(uuid4()) as early:
        assert not await flights.drain(0.02)
        with flights.enter(uuid4()) as late:
            for flight in (early, late):
                with pytest.raises(UpstreamError, match="longer than it may"):
                    async with limited(flight, 60):
                        await asyncio.Event().wait()


async def test_draining_says_when_a_call_will_not_end():
    flights = Flights()
    with flights.enter(uuid4()):
        assert not await flights.drain(0.02)


async def test_work_is_finished_though_its_caller_is_cancelled_and_the_cancellation_follows():
    gate, done = asyncio.Event(), []

    async def work():
        await gate.wait()
        done.append(True)
        return 7

    caller = asyncio.create_task(finish(work()))
    await asyncio.wait({caller}, timeout=0.01)
    for _ in range(3):  # a client that leaves, a time limit, a shut-down
        caller.cancel()
        await asyncio.wait({caller}, timeout=0.01)
        assert not caller.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done == [True]


async def test_the_works_own_result_and_error_come_through():
    async def seven():
        return 7

    async def fail():
        raise LookupError("own")

    assert await finish(seven()) == 7
    with pytest.raises(LookupError, match="own"):
        await finish(fail())
