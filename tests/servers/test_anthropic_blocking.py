"""Anthropic's clients that block meet on Bedrock and on Vertex AI what those that do not block meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from harness.core.case import tie_text
from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.core.recording import Ending
from harness.providers import bedrock_encode, vertex_encode
from harness.providers.reply import default_reply
from harness.servers.script import Script
from harness.servers.simulator import Simulator

TOKEN = "00000000a4"
PROMPT = f"hello {tie_text(TOKEN, 1)}"
ASKED: dict[str, Any] = {"max_tokens": 1000, "messages": [{"role": "user", "content": PROMPT}]}
CLAUDES = {
    Provider.BEDROCK: (bedrock_encode.MODELS[-1], "invoke", "invoke-with-response-stream"),
    Provider.VERTEX: (f"{vertex_encode.CLAUDE[0]}@20250514", "rawPredict", "streamRawPredict"),
}


@pytest.fixture(params=CLAUDES)
def provider(request: pytest.FixtureRequest) -> Provider:
    found: Provider = request.param
    return found


@pytest.fixture
def client(provider: Provider, claude: Callable[..., Any]) -> Iterator[Any]:
    with claude(provider, blocking=True) as opened:
        yield opened


def read(client: Any, model: str, *, stream: bool) -> tuple[str, str | None, Exception | None]:
    """An answer as the client's user sees it: the text, the stop reason, and what broke it off."""
    text, stop = "", None
    try:
        if not stream:
            answer = client.messages.create(**ASKED, model=model)
            return answer.content[0].text, answer.stop_reason, None
        for event in client.messages.create(**ASKED, model=model, stream=True):
            if event.type == "content_block_delta":
                text += event.delta.text
            if event.type == "message_delta":
                stop = event.delta.stop_reason
    except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
        return text, stop, failure
    return text, stop, None


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_what_is_sound(
    client: Any, provider: Provider, prepared: Callable[..., Script], ended: Callable[..., Any], stream: bool
) -> None:
    script = prepared()
    model, *calls = CLAUDES[provider]
    said = default_reply(model, PROMPT)
    assert await asyncio.to_thread(read, client, model, stream=stream) == (said.text, "end_turn", None)
    exchange = await ended(script)
    assert (exchange.operation, exchange.ending) == (calls[stream], Ending.EOF)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", ["http-400", "http-401", "http-404", "http-429", "http-503"])
async def test_the_client_that_blocks_raises_the_same(
    client: Any,
    provider: Provider,
    prepared: Callable[..., Script],
    error_of: Callable[..., type[anthropic.APIStatusError]],
    fault: str,
    stream: bool,
) -> None:
    prepared(fault)
    text, _, failure = await asyncio.to_thread(read, client, CLAUDES[provider][0], stream=stream)
    assert isinstance(failure, error_of(anthropic, fault))
    assert (text, failure.status_code) == ("", FAULTS[fault].status)


STREAMED: dict[str, tuple[type[Exception], ...]] = {
    "cut": (),
    "reset-mid-stream": (anthropic.APIConnectionError, httpx2.TransportError),
    "error-event": (anthropic.APIStatusError,),
}


@pytest.mark.parametrize(("fault", "kinds"), STREAMED.items(), ids=STREAMED)
async def test_streams_break_off_alike(
    client: Any, provider: Provider, prepared: Callable[..., Script], fault: str, kinds: tuple[type[Exception], ...]
) -> None:
    prepared(fault)
    model = CLAUDES[provider][0]
    text, stop, failure = await asyncio.to_thread(read, client, model, stream=True)
    assert (text, stop) == ("".join(default_reply(model, PROMPT).pieces[:3]), None)
    assert isinstance(failure, kinds) if kinds else failure is None


async def test_nobody_who_listens(client: Any, provider: Provider, simulator: Simulator) -> None:
    async with simulator.unreachable(provider):
        _, _, failure = await asyncio.to_thread(read, client, CLAUDES[provider][0], stream=False)
    assert isinstance(failure, anthropic.APIConnectionError)
