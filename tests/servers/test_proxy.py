"""The recording proxy: what a client reads through it is what the provider sent, and both ends are recorded."""

import asyncio
from pathlib import Path

import aiohttp
import openai
import pytest

from harness.cassettes import file
from harness.cassettes.journal import Journal
from harness.cassettes.recorder import Recorder
from harness.cassettes.redact import Redactor
from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.core.recording import Ending, Header, Side, Source
from harness.servers.play import Player
from harness.servers.proxy import Proxy
from harness.servers.simulator import Simulator

STREAMED = Path(__file__).parents[2] / "cassettes" / "reference" / "gateway" / "chat-stream"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


@pytest.fixture
def recorder():
    return Recorder(Header(source=Source.SIMULATOR, provider="openai"))


def only(recorder):
    (exchange,) = recorder.recording().exchanges
    return exchange


async def test_a_published_client_streams_through_it(recorder):
    async with (
        Simulator([Provider.OPENAI]) as simulator,
        Proxy(simulator.base_url(Provider.OPENAI), recorder) as proxy,
        openai.AsyncOpenAI(api_key="sk-none", base_url=proxy.url, max_retries=0) as client,
    ):
        stream = await client.chat.completions.create(**BODY)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    exchange = only(recorder)
    assert "".join(words)
    assert (exchange.side, exchange.operation, exchange.status) == (Side.PROVIDER, "chat.completions", 200)
    assert exchange.ending is Ending.EOF
    assert exchange.response.body.rstrip().endswith(b"data: [DONE]")
    assert len(exchange.response.segments) > 1


async def test_an_error_is_passed_on_with_its_headers(recorder):
    async with (
        Simulator([Provider.OPENAI], fault=FAULTS["http-429"]) as simulator,
        Proxy(simulator.base_url(Provider.OPENAI), recorder) as proxy,
        aiohttp.ClientSession(headers={"Authorization": "Bearer sk-none"}) as session,
        session.post(f"{proxy.url}/chat/completions", json=BODY) as answer,
    ):
        assert answer.status == 429
        assert answer.headers["retry-after"] == only(recorder).response.header("retry-after")
        assert await answer.read() == only(recorder).response.body


async def test_a_stream_that_is_reset_is_reset_for_the_client(recorder):
    played = file.load(STREAMED / "openai.reset-mid-stream.yaml")
    async with (
        Player(played, any_body=True) as provider,
        Proxy(provider.url, recorder) as proxy,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientError):
            async with session.post(f"{proxy.url}/v1/chat/completions", json=BODY) as answer:
                await answer.read()
    assert only(recorder).ending is Ending.RESET


async def test_a_provider_that_is_not_there_breaks_the_clients_connection(recorder):
    async with Simulator([Provider.OPENAI]) as simulator:
        url = simulator.base_url(Provider.OPENAI)
    lines = []
    async with Proxy(url, recorder, told=lines.append) as proxy, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"{proxy.url}/chat/completions", json=BODY)
    assert only(recorder).ending is Ending.CONNECT_ERROR
    assert "ClientConnectorError" in lines[0]


async def test_a_client_that_leaves_ends_the_providers_call(tmp_path):
    over = asyncio.Event()

    class Noted(Journal):
        def exchange(self, exchange):
            super().exchange(exchange)
            over.set()

    header = Header(source=Source.SIMULATOR)
    journal = Noted(tmp_path / "left.yaml", header, Redactor())
    played = file.load(STREAMED / "openai.stall-mid-stream.yaml")
    async with (
        Player(played, any_body=True) as provider,
        Proxy(provider.url, Recorder(header, journal=journal)) as proxy,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(f"{proxy.url}/v1/chat/completions", json=BODY) as answer:
            await answer.content.readany()
        await over.wait()
    journal.close()
    (exchange,) = file.load(tmp_path / "left.yaml").exchanges
    assert exchange.ending is Ending.CLIENT_CLOSE
    assert exchange.response.body
