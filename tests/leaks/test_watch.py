import asyncio
import builtins
import io
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest

from harness.core.errors import UsageError
from harness.leaks.leak import Kind
from harness.leaks.notes import counting
from harness.leaks.watch import Watch, difference, snapshot

pytestmark = pytest.mark.leak_check(False)  # these leak on purpose, and look for themselves
PLACES = [
    (aiohttp.ClientSession, "__init__"),
    (aiohttp.ClientSession, "__del__"),
    (aiohttp.BaseConnector, "__init__"),
    (aiohttp.BaseConnector, "_close"),
    (aiohttp.ClientResponse, "start"),
    (asyncio.BaseEventLoop, "create_task"),
    (asyncio.SelectorEventLoop, "close"),
    (asyncio.Runner, "close"),
    (asyncio.Server, "__init__"),
    (threading.Thread, "start"),
    (ThreadPoolExecutor, "__init__"),
    (socket.socket, "__init__"),
    (socket.socket, "__del__"),
    (builtins, "open"),
    (io, "open"),
    (os, "open"),
    (sys, "set_asyncgen_hooks"),
]


def test_what_was_open_before_is_no_difference():
    with Watch(), counting(on=True), socket.socket():
        before = snapshot()
        with socket.socket():
            during = snapshot()
        after = snapshot()
    assert [leak.kind for leak in difference(before, during)] == [Kind.SOCKET]
    assert difference(before, after) == ()


def test_a_snapshot_outside_of_a_watch_is_refused():
    with pytest.raises(UsageError, match="with Watch"):
        snapshot()


def test_what_is_made_outside_of_the_counting_does_not_count():
    with Watch() as watch, socket.socket():
        assert watch.snapshot().things == {}


def test_everything_is_put_back():
    before = [vars(owner).get(name) for owner, name in PLACES]
    with Watch(), Watch():
        during = [vars(owner).get(name) for owner, name in PLACES]
    assert [vars(owner).get(name) for owner, name in PLACES] == before
    assert all(one is not other for one, other in zip(during, before, strict=True))


def test_what_somebody_else_has_put_on_top_stays_and_works(monkeypatch):
    with Watch():
        below = socket.socket.__init__

        def init(sock, *given, **named):
            below(sock, *given, **named)

        monkeypatch.setattr(socket.socket, "__init__", init)
    assert socket.socket.__init__ is init
    with counting(on=True), socket.socket() as sock:
        assert sock.fileno() >= 0


def test_what_an_owner_holds_is_the_owners():
    class Owner:
        pass

    owner = Owner()
    with Watch() as watch, counting(on=True), socket.socket() as kept, socket.socket() as other:
        owner.socket = kept
        watch.settle([owner])
        leaks = list(watch.snapshot().things.values())
        assert len(leaks) == 1
        assert f"descriptor {other.fileno()}," in leaks[0].what


def test_a_number_that_is_used_again_is_another_thing(tmp_path):
    with Watch() as watch, counting(on=True):
        first = os.open(tmp_path / "first", os.O_CREAT)
        os.close(first)
        with counting(on=False):
            second = os.open(tmp_path / "second", os.O_CREAT)
        assert second == first
        assert watch.snapshot().things == {}
        os.close(second)


def test_a_task_made_by_hand_is_found_when_its_runner_closes():
    async def main():
        asyncio.Task(asyncio.Event().wait(), loop=asyncio.get_running_loop())
        kept.append(asyncio.Task(wait(), loop=asyncio.get_running_loop()))

    async def wait():
        await asyncio.Event().wait()

    kept = []
    with Watch() as watch, counting(on=True):
        asyncio.run(main())
        leaks = list(watch.snapshot().things.values())
    assert [leak.kind for leak in leaks] == [Kind.TASK]
    assert "wait" in leaks[0].what


def test_things_of_a_leaked_task_are_told_by_the_task():
    async def main():
        kept.append(asyncio.create_task(serve()))
        await started.wait()

    async def serve():
        async with aiohttp.ClientSession():
            started.set()
            await asyncio.Event().wait()

    kept, started = [], asyncio.Event()
    with Watch() as watch, counting(on=True):
        asyncio.run(main())
        leaks = list(watch.snapshot().things.values())
    assert [leak.kind for leak in leaks] == [Kind.TASK]


def test_a_connection_accepted_by_a_leaked_server_is_told_by_the_server():
    with Watch() as watch, counting(on=True), socket.create_server(("127.0.0.1", 0)) as listening:
        with socket.create_connection(listening.getsockname()) as client:
            accepted, _ = listening.accept()
            assert [leak.kind for leak in watch.snapshot().things.values()] == [Kind.SOCKET] * 2
        listening.close()
        leaks = list(watch.snapshot().things.values())
        assert [leak.kind for leak in leaks] == [Kind.SOCKET]
        accepted.close()
    assert client.fileno() == -1


def test_of_the_testers_own_task_factory_nothing_changes():
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        kept.append(loop.create_task(asyncio.Event().wait(), name="mine"))
        assert loop.get_task_factory() is factory

    def factory(loop, coroutine, **named):
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **named)

    kept, made = [], []
    with Watch() as watch, counting(on=True):
        asyncio.run(main())
        leaks = list(watch.snapshot().things.values())
    assert len(leaks) == 1
    assert leaks[0].what.startswith("mine (Event.wait)")
    assert kept[0].get_coro() in made


def test_a_long_chain_of_makers_is_no_burden():
    async def main():
        last = asyncio.get_running_loop().create_future()
        kept.append(asyncio.create_task(pass_on(5000, last)))
        await last

    async def pass_on(left, last):
        if left:
            kept[0] = asyncio.create_task(pass_on(left - 1, last))
        else:
            kept.append(socket.socket())
            last.set_result(None)

    kept = []
    with Watch() as watch, counting(on=True):
        asyncio.run(main())
        assert [leak.kind for leak in watch.snapshot().things.values()] == [Kind.SOCKET]
        kept.pop().close()
