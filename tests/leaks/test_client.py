"""The private attributes of aiohttp that the watch relies on, each against the installed version."""

import asyncio
import contextlib
import gc

import aiohttp
import pytest

from harness.leaks import client
from harness.leaks.leak import Kind
from harness.leaks.notes import counting
from harness.leaks.watch import Watch

pytestmark = pytest.mark.leak_check(False)  # these leak on purpose, and look for themselves
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextlib.asynccontextmanager
async def serving(answer):
    async def serve(reader, writer):
        with contextlib.closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await reader.read()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/"


@pytest.fixture
def watch():
    with Watch() as watching:
        yield watching


def kinds(watch):
    gc.collect()
    return [leak.kind for leak in watch.snapshot().things.values() if leak.kind is not Kind.TASK]


async def test_a_connection_in_use_is_acquired_and_one_at_rest_is_not():
    async with serving(WHOLE) as url, aiohttp.ClientSession() as session:
        response = await session.get(url)
        sockets = [one.getsockname() for one in client.pooled()]
        assert not session.connector._acquired
        assert [len(held) for held in session.connector._conns.values()] == [1]
        assert await response.read() == b"hello"
    async with serving(CHUNKED) as url, aiohttp.ClientSession() as session:
        response = await session.get(url)
        assert session.connector._acquired == {response.connection.protocol}
        sockets += [one.getsockname() for one in client.pooled()]
        response.close()
        assert not session.connector._acquired
    assert len(sockets) == 2


async def test_a_session_knows_whether_it_owns_its_connector():
    async with aiohttp.TCPConnector() as connector:
        async with aiohttp.ClientSession(connector=connector, connector_owner=False) as session:
            assert session._connector_owner is False
        assert not connector.closed
    async with aiohttp.ClientSession() as session:
        assert session._connector_owner is True


@pytest.mark.parametrize("by", ["release", "close", "context"])
async def test_a_response_knows_that_it_was_let_go(by):
    async with serving(CHUNKED) as url, aiohttp.ClientSession() as session:
        response = await session.get(url)
        assert response._released is False
        if by == "context":
            async with response:
                pass
        else:
            getattr(response, by)()
        assert response._released is True


@pytest.mark.parametrize("close", ["close", "session", "__del__"])
async def test_every_way_of_closing_a_connector_is_one(watch, monkeypatch, close):
    closed = []
    below = aiohttp.BaseConnector._close
    monkeypatch.setattr(
        aiohttp.BaseConnector, "_close", lambda one, **named: closed.append(id(one)) or below(one, **named)
    )
    connector = aiohttp.TCPConnector()
    number = id(connector)
    if close == "session":
        await aiohttp.ClientSession(connector=connector).close()
    elif close == "close":
        await connector.close()
    else:
        connector._conns["kept"].clear()
        with pytest.warns(ResourceWarning, match="Unclosed connector"):
            connector.__del__()
    assert number in closed


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # aiohttp's, where one is dropped
@pytest.mark.parametrize("answer", [ENDLESS, CHUNKED], ids=["until-close", "chunked"])
@pytest.mark.parametrize("keep", [True, False], ids=["kept", "dropped"])
async def test_a_response_that_its_session_cut_off_was_left(watch, answer, keep):
    async with serving(answer) as url:
        with counting(on=True):
            async with aiohttp.ClientSession() as session:
                response = await session.get(url)
        if not keep:
            del response
        assert kinds(watch) == [Kind.RESPONSE]


@pytest.mark.parametrize("answer", [ENDLESS, CHUNKED], ids=["until-close", "chunked"])
async def test_a_response_that_is_let_go_after_its_session_was_not_left(watch, answer):
    async with serving(answer) as url:
        with counting(on=True):
            async with aiohttp.ClientSession() as session:
                response = await session.get(url)
            response.release()
        assert kinds(watch) == []


async def test_a_response_whose_body_is_complete_was_not_left(watch):
    async with serving(WHOLE) as url:
        with counting(on=True):
            async with aiohttp.ClientSession() as session:
                await session.get(url)
        assert kinds(watch) == []
