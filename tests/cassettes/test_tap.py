"""The tap against the installed aiohttp: the client sees what it sees without one, and all of it is recorded."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest

from harness.cassettes.recorder import Recorder
from harness.cassettes.tap import Call, open_session
from harness.core.recording import Ending, Side


async def test_every_fault_is_seen_by_the_client_and_by_the_tap(fault, record):
    recorded = await record(fault)
    assert recorded.outcome == fault.expected
    (exchange,) = recorded.recording.exchanges
    assert exchange.ending is fault.ending
    assert exchange.status == fault.status
    assert exchange.body == b"".join(fault.chunks)
    assert (exchange.id, exchange.side, exchange.operation, exchange.tie) == ("c1", Side.CLIENT, fault.id, "t.1")
    assert exchange.request.method == fault.method
    assert exchange.request.url == recorded.url + fault.path
    assert exchange.request.header("accept-encoding") == "identity"


async def test_a_tapped_session_behaves_as_a_plain_one(fault, origin, closed_port):
    url = f"http://127.0.0.1:{closed_port}" if fault.id == "refused" else origin.url
    async with aiohttp.ClientSession() as session:
        assert await fault.drive(session, origin, url) == fault.expected


async def test_times_are_in_order_and_on_one_clock(fault, record, recorder):
    before = recorder.now()
    recorded = await record(fault)
    (exchange,) = recorded.recording.exchanges
    times = [before, exchange.request.sent_ns]
    if exchange.response is not None:
        times += [exchange.response.at_ns, *(segment.at_ns for segment in exchange.response.segments)]
    times += [exchange.ended_ns, recorder.now()]
    assert times == sorted(times)


async def test_eleven_writes_are_eleven_segments(origin, recorder, record):
    async with open_session(recorder) as session, session.post(origin.url + "/stream") as response:
        async for _ in response.content.iter_any():
            origin.step.release()
    (exchange,) = recorder.recording().exchanges
    assert exchange.response is not None
    sizes = [len(b'data: {"n": 0}\n\n')] * 10 + [len(b'data: {"n": 10}\n\n')]
    ends = [segment.end for segment in exchange.response.segments]
    assert ends == [sum(sizes[: count + 1]) for count in range(11)]
    assert len({segment.at_ns for segment in exchange.response.segments}) == 11


async def test_one_connection_carries_several_exchanges(origin, recorder):
    async with open_session(recorder) as session:
        for path in ("/plain", "/none", "/plain"):
            async with session.get(origin.url + path) as response:
                await response.read()
    exchanges = recorder.recording().exchanges
    assert [exchange.status for exchange in exchanges] == [200, 204, 200]
    assert [exchange.id for exchange in exchanges] == ["c1", "c2", "c3"]
    assert {exchange.ending for exchange in exchanges} == {Ending.EOF}


async def test_concurrent_exchanges_do_not_mix(origin, recorder):
    async def call(number: int) -> None:
        async with session.post(origin.url + "/plain", json=number, trace_request_ctx=Call("call", str(number))) as one:
            await one.read()

    async with open_session(recorder) as session:
        await asyncio.gather(*map(call, range(20)))
    exchanges = recorder.recording().exchanges
    assert sorted(exchange.tie for exchange in exchanges) == sorted(map(str, range(20)))
    assert all(exchange.request.body.decode() == exchange.tie for exchange in exchanges)


async def test_the_request_is_recorded_as_sent(origin, recorder):
    async def pieces():
        yield b"ab"
        yield b"cd"

    async with open_session(recorder, headers={"Accept-Encoding": "br", "X-Mine": "1"}) as session:
        async with session.post(origin.url + "/plain", data=b"exact \xff bytes") as response:
            await response.read()
        async with session.put(
            origin.url + "/plain?q=a%20b", data=pieces(), headers={"Connection": "close"}
        ) as response:
            await response.read()
    first, second = recorder.recording().exchanges
    assert first.request.body == b"exact \xff bytes"
    assert first.request.header("content-length") == "13"
    assert first.request.header("Accept-Encoding") == "br"
    assert first.request.header("X-Mine") == "1"
    assert first.operation == "POST /plain"
    assert second.request.body == b"abcd"
    assert second.request.url == origin.url + "/plain?q=a%20b"
    assert second.request.header("transfer-encoding") == "chunked"


async def test_repeated_response_headers_are_kept(origin, recorder):
    async with open_session(recorder) as session, session.get(origin.url + "/plain") as response:
        await response.read()
    (exchange,) = recorder.recording().exchanges
    assert exchange.response is not None
    assert exchange.response.headers == (("Content-Length", "11"), ("X-Twice", "a"), ("X-Twice", "b"))


async def test_what_is_not_http_is_a_close_by_the_client_with_the_reason(origin, recorder):
    async with open_session(recorder) as session:
        with pytest.raises(aiohttp.ClientResponseError):
            await session.get(origin.url + "/junk")
    (exchange,) = recorder.recording().exchanges
    assert exchange.response is None
    assert exchange.ending is Ending.CLIENT_CLOSE
    assert "this is not HTTP" in (exchange.error or "")


async def test_a_caller_that_gives_up_before_the_answer_has_left(origin, recorder):
    async with open_session(recorder) as session:
        call = asyncio.ensure_future(session.get(origin.url + "/hang-up"))
        while not origin.requests:
            await asyncio.wait([call], timeout=0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    (exchange,) = recorder.recording().exchanges
    assert (exchange.response, exchange.ending, exchange.error) == (None, Ending.CLIENT_CLOSE, None)


async def test_closing_the_session_ends_what_is_open(origin, recorder):
    session = open_session(recorder)
    response = await session.get(origin.url + "/stall")
    await session.close()
    response.release()
    (exchange,) = recorder.recording().exchanges
    assert exchange.ending is Ending.CLIENT_CLOSE
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.get(origin.url + "/plain")


async def test_provider_side_sessions_are_told_apart(origin, recorder):
    async with open_session(recorder, side=Side.PROVIDER, provider="openai") as session:
        await (await session.get(origin.url + "/plain")).read()
    (exchange,) = recorder.recording().exchanges
    assert (exchange.id, exchange.side, exchange.provider) == ("p1", Side.PROVIDER, "openai")


async def test_other_trace_contexts_are_left_alone(origin, recorder):
    async with open_session(recorder) as session:
        await (await session.get(origin.url + "/plain", trace_request_ctx={"mine": 1})).read()
    assert [exchange.operation for exchange in recorder.recording().exchanges] == ["GET /plain"]


async def test_a_connection_attempt_that_is_cancelled_was_left(recorder: Recorder):
    class Never(aiohttp.abc.AbstractResolver):
        asked = asyncio.Event()

        async def resolve(self, host, port=0, family=0):
            self.asked.set()
            await asyncio.Event().wait()
            return []

        async def close(self) -> None:
            return None

    resolver = Never()
    async with open_session(recorder, connector={"resolver": resolver}) as session:
        call = asyncio.ensure_future(session.get("http://nowhere.example/"))
        await resolver.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(TimeoutError):
            await session.get("http://nowhere.example/", timeout=aiohttp.ClientTimeout(total=0.05))
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await session.get("http://nowhere.example/", timeout=aiohttp.ClientTimeout(connect=0.05))
    endings = [exchange.ending for exchange in recorder.recording().exchanges]
    assert endings == [Ending.CLIENT_CLOSE, Ending.CONNECT_ERROR, Ending.CONNECT_ERROR]


def test_the_seams_are_there():
    """Named here, so that an aiohttp without one of them fails with its name."""
    for name in ("connection_made", "connection_lost", "data_received", "eof_received", "set_exception", "close"):
        assert callable(getattr(ResponseHandler, name))
    assert callable(ClientRequest.send)
    assert callable(aiohttp.BaseConnector._create_connection)
    assert "_cancelled" in aiohttp.helpers.TimerContext.__slots__
