"""Requests held at their last byte: nothing is asked before they are let go, and all is recorded as ever."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.cassettes.recorder import Recorder
from harness.core.recording import Ending, Header, Side, Source
from harness.endpoints.lastbyte import Entrant, facts, hold, holding, racing, release
from harness.systems.route import Route

POST = Route("spend", "POST", "/spend/{id}")
GET = Route("look", "GET", "/look")
LIMIT_S = 20.0


@pytest.fixture
def recorder():
    return Recorder(Header(source=Source.SIMULATOR))


@pytest.fixture
async def server():
    """A server that notes what it was asked, and its address."""
    asked = []

    async def answer(request):
        asked.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        return web.json_response({"ok": len(asked)})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as running:
        yield asked, str(running.make_url("/"))


def entrants(number, **more):
    return [
        Entrant(route=POST, token="secret", json={"n": n}, tie=f"t.{n}", path={"id": "a"}, **more)
        for n in range(1, number + 1)
    ]


async def test_all_are_let_go_together_and_recorded(server, recorder):
    asked, url = server
    async with racing(recorder, url, entrants(5), limit_s=LIMIT_S) as heat:
        answers = await asyncio.gather(*heat.calls)
    assert sorted(json.loads(one.body)["ok"] for one in answers) == [1, 2, 3, 4, 5]
    assert {(method, path, headers["Authorization"]) for method, path, headers, _ in asked} == {
        ("POST", "/spend/a", "Bearer secret")
    }
    assert sorted(json.loads(body)["n"] for *_, body in asked) == [1, 2, 3, 4, 5]
    exchanges = recorder.recording().exchanges
    assert {(one.operation, one.side, one.status, one.ending) for one in exchanges} == {
        ("spend", Side.CLIENT, 200, Ending.EOF)
    }
    assert [one.tie for one in heat.starts] == [f"t.{n}" for n in range(1, 6)]
    assert {one.id: one.request.sent_ns for one in exchanges} == {one.exchange: one.released_ns for one in heat.starts}
    facts = heat.facts()
    assert facts["skew_ns"] == max(one.released_ns for one in heat.starts) - min(one.released_ns for one in heat.starts)
    assert not any(one.early for one in heat.starts)


@pytest.mark.parametrize("entrant", [entrants(1)[0], Entrant(route=GET, token=None)], ids=["body", "head"])
async def test_nothing_is_asked_before_the_last_byte(server, recorder, entrant):
    asked, url = server
    held = await hold(recorder, url, entrant)
    other = await hold(recorder, url, Entrant(route=GET, token=None, tie="other"))
    await release([other])
    assert (await other.answer(limit_s=LIMIT_S)).status == 200  # the server has had its turn
    assert len(asked) == 1
    await release([held])
    assert (await held.answer(limit_s=LIMIT_S)).status == 200
    assert len(asked) == 2


async def test_an_offset_is_at_least_what_was_asked_for(server, recorder):
    _, url = server
    first, second = entrants(1)[0], Entrant(route=GET, token=None, offset_ns=5_000_000)
    async with racing(recorder, url, [second, first], limit_s=LIMIT_S) as heat:
        pass
    later, earlier = heat.starts
    assert later.released_ns - earlier.released_ns >= 5_000_000


async def test_where_nobody_listens_the_exchange_says_so(recorder):
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        async with racing(recorder, url, entrants(2), limit_s=LIMIT_S) as heat:
            pass
    answers = [call.result() for call in heat.calls]
    assert [(one.status, "ConnectionRefusedError" in one.error) for one in answers] == [(None, True), (None, True)]
    assert {one.ending for one in recorder.recording().exchanges} == {Ending.CONNECT_ERROR}


async def test_one_is_held_until_its_scenario_lets_it_go(server, recorder):
    asked, url = server
    async with holding(recorder, url, entrants(1)[0]) as held:
        assert asked == []
        released_ns = held.release()
        head_ns = await held.headed()
        answer = await held.answer(limit_s=LIMIT_S)
    assert (answer.status, head_ns > released_ns) == (200, True)
    assert facts([held.start(7)])["requests"] == [
        {"exchange": "c1", "tie": "t.1", "offset_ns": 7, "released_ns": released_ns, "early": False}
    ]


async def test_one_that_is_never_let_go_asks_nothing(server, recorder):
    asked, url = server
    async with holding(recorder, url, entrants(1)[0]) as held:
        pass
    assert await held.headed() is None
    assert asked == []
    (exchange,) = recorder.recording().exchanges
    assert exchange.ending is Ending.CLIENT_CLOSE


@asynccontextmanager
async def listening(handle):
    """A server of bytes that knows nothing of HTTP."""
    connections = []

    async def accepted(reader, writer):
        connections.append(writer)
        await handle(reader, writer)

    running = await asyncio.start_server(accepted, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    finally:
        for writer in connections:
            writer.transport.abort()
        running.close()
        await running.wait_closed()


async def test_a_target_that_answers_before_it_was_asked_is_seen(recorder):
    told = asyncio.Event()

    async def hasty(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        told.set()

    async with listening(hasty) as url:
        held = await hold(recorder, url, entrants(1)[0])
        await told.wait()
        (start,) = await release([held])
        assert (await held.answer(limit_s=LIMIT_S)).status == 413
    assert start.early


@pytest.mark.parametrize(
    ("sent", "ending"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Ending.FIN),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", Ending.EOF),
        (b"", Ending.FIN),
    ],
    ids=["cut", "until-close", "nothing"],
)
async def test_how_it_ended_is_told(recorder, sent, ending):
    async def answers(reader, writer):
        await reader.readuntil(b'"n": 1}')
        writer.write(sent)
        writer.close()

    async with listening(answers) as url, racing(recorder, url, entrants(1), limit_s=LIMIT_S):
        pass
    (exchange,) = recorder.recording().exchanges
    assert exchange.ending is ending


async def test_who_never_answers_is_not_waited_for_for_ever(recorder):
    async def silent(reader, writer):
        await reader.read()

    async with listening(silent) as url, racing(recorder, url, entrants(1), limit_s=0.05) as heat:
        pass
    (exchange,) = recorder.recording().exchanges
    assert exchange.ending is Ending.TIMEOUT
    assert "no whole answer within 0.05 s" in heat.calls[0].result().error
