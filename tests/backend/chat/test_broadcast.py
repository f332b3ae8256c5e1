"""Everybody who follows a stream sees all of it, whenever they come and however slow they are."""

import asyncio

from harness.backend.chat.broadcast import Broadcast


async def read(broadcast):
    return [event async for event in broadcast.follow()]


async def test_all_see_every_event_from_the_first_one_on_whenever_they_come():
    broadcast = Broadcast()
    early = asyncio.create_task(read(broadcast))
    broadcast.publish(b"1")
    middle = asyncio.create_task(read(broadcast))
    broadcast.publish(b"2")
    broadcast.close()
    assert await asyncio.gather(early, middle, read(broadcast)) == [[b"1", b"2"]] * 3


async def test_a_follower_who_stops_reading_holds_nobody_up_and_misses_nothing():
    broadcast = Broadcast()
    slow = broadcast.follow()
    broadcast.publish(b"1")
    assert await anext(slow) == b"1"
    for number in range(100):
        broadcast.publish(b"%d" % number)
    broadcast.close()
    assert len(await read(broadcast)) == 101
    assert len([event async for event in slow]) == 100


async def test_a_follower_who_leaves_is_forgotten():
    broadcast = Broadcast()
    leaving = asyncio.create_task(read(broadcast))
    broadcast.publish(b"1")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    broadcast.publish(b"2")
    broadcast.close()
    assert await read(broadcast) == [b"1", b"2"]


async def test_a_stream_without_events_ends():
    broadcast = Broadcast()
    waiting = asyncio.create_task(read(broadcast))
    broadcast.close()
    assert await waiting == []
