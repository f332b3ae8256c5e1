"""The simulated Bedrock over a socket: by the path of the call, faults and endings included."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from yarl import URL

from harness.cassettes.recorder import Recorder
from harness.core.case import tie_text
from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.core.recording import Ending, Exchange
from harness.providers.bedrock import Stream, decode_stream
from harness.providers.reply import default_reply
from harness.servers.script import Script
from harness.servers.simulator import Simulator

TOKEN, LIMIT_S = "00000000b0", 20.0
PROMPT = f"hello {tie_text(TOKEN, 1)}"
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIATEST/x, SignedHeaders=host, Signature=0"}
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": PROMPT}]}]}


async def stream(simulator: Simulator, recorder: Recorder, fault: str, model: str) -> tuple[Stream, Exchange]:
    """What a client has read when the stream is over, however it ended, and what the simulator noted."""
    script = Script(FAULTS[fault], recorder)
    simulator.script(TOKEN, script)
    url = URL(f"{simulator.base_url(Provider.BEDROCK)}/model/{model}/converse-stream", encoded=True)
    read = bytearray()
    async with aiohttp.ClientSession(headers=SIGNED) as http, http.post(url, json=ASKED) as response:
        try:
            async for data in response.content.iter_any():
                read += data
        except aiohttp.ClientError:
            assert fault.startswith("reset")
    exchange = (await asyncio.wait_for(script.ended(f"{TOKEN}.1"), LIMIT_S)).freeze()
    return decode_stream(bytes(read)), exchange


@pytest.mark.parametrize("coded", ["amazon.nova-micro-v1:0", "amazon.nova-micro-v1%3A0"])
async def test_a_stream_is_read_and_noted(simulator: Simulator, recorder: Recorder, coded: str) -> None:
    read, exchange = await stream(simulator, recorder, "none", coded)
    assert read.text == default_reply("amazon.nova-micro-v1:0", PROMPT).text
    assert (exchange.operation, exchange.provider, exchange.ending) == ("converse-stream", "bedrock", Ending.EOF)
    assert coded in exchange.request.url
    assert decode_stream(exchange.body) == read


@pytest.mark.parametrize(
    ("fault", "pieces", "ending"),
    [
        ("error-event", 3, Ending.EOF),
        ("cut", 3, Ending.EOF),
        ("reset-mid-stream", 3, Ending.RESET),
        ("bad-crc", 8, Ending.EOF),
    ],
)
async def test_streams_that_fail(
    simulator: Simulator, recorder: Recorder, fault: str, pieces: int, ending: Ending
) -> None:
    model = "amazon.nova-micro-v1:0"
    read, exchange = await stream(simulator, recorder, fault, model)
    assert read.text == "".join(default_reply(model, PROMPT).pieces[:pieces])
    assert exchange.ending is ending
