"""A cassette played over a socket: a client reads what the recorded one read, and meets the same end."""

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from harness.cassettes import file
from harness.core.errors import PortInUse
from harness.core.recording import Ending, Side
from harness.servers.play import Player

CASSETTES = Path(__file__).parents[2] / "cassettes" / "reference"
STREAMED = CASSETTES / "gateway" / "chat-stream"


def recorded(name, folder=STREAMED):
    recording = file.load(folder / f"{name}.yaml")
    (exchange,) = recording.side(Side.PROVIDER)
    return recording, exchange


async def read(url, exchange, session, *, body=None):
    """What a client reads of the answer to the recorded request: status, bytes, and the error that ended it."""
    path = "/" + exchange.request.url.split("/", 3)[3]
    received = bytearray()
    try:
        async with session.request(exchange.request.method, url + path, data=body or exchange.request.body) as answer:
            async for chunk in answer.content.iter_any():
                received += chunk
            return answer.status, bytes(received), None
    except aiohttp.ClientError as failure:
        return None, bytes(received), type(failure)


@pytest.mark.parametrize("name", sorted(path.stem for path in STREAMED.glob("*.none.yaml")))
async def test_a_whole_stream_is_read_as_it_was_and_the_connection_goes_on(name):
    recording, exchange = recorded(name)
    async with Player(recording) as player, aiohttp.ClientSession() as session:
        assert await read(player.url, exchange, session) == (200, exchange.response.body, None)
        assert player.leftovers == ()
        again, _, _ = await read(player.url, exchange, session)
        assert again == 404
        assert len(player.misses) == 1


@pytest.mark.parametrize("name", ["openai.reset-mid-stream", "openai.reset-before-first"])
async def test_a_stream_that_was_reset_is_reset_again(name):
    recording, exchange = recorded(name)
    assert exchange.ending is Ending.RESET
    async with Player(recording) as player, aiohttp.ClientSession() as session:
        _, received, failure = await read(player.url, exchange, session)
    assert failure is not None
    assert exchange.response.body.startswith(received)  # of a reset the last bytes may be lost


async def test_a_connection_that_closed_too_early_closes_there_again():
    recording, exchange = recorded("openai.none")
    cut = replace(recording, exchanges=(replace(exchange, ending=Ending.FIN),))
    async with Player(cut) as player, aiohttp.ClientSession() as session:
        _, received, failure = await read(player.url, exchange, session)
    assert failure is aiohttp.ClientPayloadError
    assert received == exchange.response.body


async def test_a_provider_that_was_silent_is_silent_again():
    recording, exchange = recorded("openai.stall-mid-stream")
    limits = aiohttp.ClientTimeout(sock_read=0.2)
    async with Player(recording) as player, aiohttp.ClientSession(timeout=limits) as session:
        _, received, failure = await read(player.url, exchange, session)
    assert failure is aiohttp.SocketTimeoutError
    assert received == exchange.response.body


async def test_other_bodies_are_taken_where_only_the_address_counts():
    recording, exchange = recorded("openai.none")
    async with Player(recording, any_body=True) as player, aiohttp.ClientSession() as session:
        assert (await read(player.url, exchange, session, body=b"{}"))[:2] == (200, exchange.response.body)


async def test_recorded_gaps_are_kept_at_speed_one():
    recording, exchange = recorded("openai.slow-first-token")
    loop = asyncio.get_running_loop()
    async with Player(recording, speed=1) as player, aiohttp.ClientSession() as session:
        began_s = loop.time()
        await read(player.url, exchange, session)
        assert loop.time() - began_s >= (exchange.ended_ns - exchange.request.sent_ns) / 1e9 * 0.99


async def test_the_backends_own_answers_can_be_played_too():
    recording, _ = recorded("openai.reset-mid-stream")
    (exchange,) = recording.side(Side.CLIENT)
    lines = []
    async with Player(recording, side=Side.CLIENT, told=lines.append) as player, aiohttp.ClientSession() as session:
        assert await read(player.url, exchange, session) == (200, exchange.response.body, None)
    assert lines == ["POST /v1/chat/completions: c1, 200, eof"]


async def test_what_is_no_request_ends_the_connection():
    recording, _ = recorded("openai.none")
    async with Player(recording) as player:
        port = int(player.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x00\x01 nonsense\r\n\r\n")
        assert await reader.read() == b""
        writer.close()


async def test_a_port_that_is_taken_is_told():
    recording, _ = recorded("openai.none")
    async with Player(recording) as player:
        with pytest.raises(PortInUse):
            await Player(recording).open(int(player.url.rpartition(":")[2]))
