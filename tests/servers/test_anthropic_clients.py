"""What Anthropic's own client raises alike wherever Claude is: at Anthropic, on Bedrock and on Vertex AI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic
import httpx2
import pytest

from harness.core.case import tie_text
from harness.core.names import Provider
from harness.core.recording import Ending
from harness.providers import anthropic_encode, bedrock_encode, vertex_encode
from harness.providers.reply import default_reply
from harness.servers.script import Script
from harness.servers.simulator import Simulator

IMPATIENT_S = 0.25
TOKEN = "00000000a3"
PROMPT = f"hello {tie_text(TOKEN, 1)}"
ASKED: dict[str, Any] = {"max_tokens": 1000, "messages": [{"role": "user", "content": PROMPT}]}
CLAUDES = {
    Provider.ANTHROPIC: anthropic_encode.MODELS[0],
    Provider.BEDROCK: bedrock_encode.MODELS[-1],
    Provider.VERTEX: f"{vertex_encode.CLAUDE[0]}@20250514",
}


@pytest.fixture(params=CLAUDES)
def provider(request: pytest.FixtureRequest) -> Provider:
    found: Provider = request.param
    return found


@pytest.fixture
def model(provider: Provider) -> str:
    return CLAUDES[provider]


@pytest.fixture
async def client(provider: Provider, claude: Callable[[Provider], Any]) -> AsyncIterator[Any]:
    async with claude(provider) as opened:
        yield opened


@pytest.mark.parametrize(("fault", "pieces"), [("no-headers", 0), ("stall-mid-stream", 3)])
async def test_silence_ends_when_the_client_gives_up(
    client: Any,
    model: str,
    prepared: Callable[..., Script],
    fault: str,
    pieces: int,
    ended: Callable[..., Any],
    read: Callable[..., Any],
) -> None:
    script = prepared(fault)
    client.timeout = IMPATIENT_S
    text, _, failure = await read(client, model=model)
    assert text == "".join(default_reply(model, PROMPT).pieces[:pieces])
    assert isinstance(failure, anthropic.APITimeoutError | httpx2.TimeoutException)
    assert (await ended(script)).ending is Ending.CLIENT_CLOSE


@pytest.mark.parametrize("fault", ["not-json", "empty-body"])
async def test_answers_that_are_not_json(client: Any, model: str, prepared: Callable[..., Script], fault: str) -> None:
    prepared(fault)
    with pytest.raises(json.JSONDecodeError):
        await client.messages.create(**ASKED, model=model)


async def test_an_answer_that_breaks_off(
    client: Any, model: str, prepared: Callable[..., Script], ended: Callable[..., Any]
) -> None:
    script = prepared("reset-plain")
    with pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)):
        await client.messages.create(**ASKED, model=model)
    assert (await ended(script)).ending is Ending.RESET


async def test_a_connection_that_is_refused(
    client: Any, model: str, provider: Provider, prepared: Callable[..., Script], simulator: Simulator
) -> None:
    prepared()
    async with simulator.unreachable(provider):
        with pytest.raises(anthropic.APIConnectionError):
            await client.messages.create(**ASKED, model=model)
    assert (await client.messages.create(**ASKED, model=model)).content
