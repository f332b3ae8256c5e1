"""Claude on the simulated Vertex AI, asked by Anthropic's own client for it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic
import httpx2
import pytest

from harness.core.case import tie_text
from harness.core.fault import FAULTS, Usage
from harness.core.names import Answer, Form, Provider
from harness.core.recording import Ending
from harness.providers.reply import default_reply
from harness.providers.vertex_encode import CLAUDE
from harness.providers.vertex_token import AccessToken
from harness.servers.script import Script
from harness.servers.simulator import Simulator

TOKEN = "00000000d1"
PROMPT = f"hello {tie_text(TOKEN, 1)}"
MODEL = f"{CLAUDE[0]}@20250514"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": PROMPT}],
}
SAID = default_reply(MODEL, PROMPT)


@pytest.fixture
async def client(claude: Callable[[Provider], Any]) -> AsyncIterator[anthropic.AsyncAnthropicVertex]:
    async with claude(Provider.VERTEX) as opened:
        yield opened


async def test_plain(
    client: anthropic.AsyncAnthropicVertex, prepared: Callable[..., Script], ended: Callable[..., Any]
) -> None:
    script = prepared()
    answer = await client.messages.create(**ASKED)
    assert (answer.content[0].type, answer.content[0].text) == ("text", SAID.text)
    assert (answer.id[:9], answer.model, answer.stop_reason) == ("msg_vrtx_", "claude-sonnet-4-20250514", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (SAID.prompt_tokens, SAID.completion_tokens)
    exchange = await ended(script)
    assert (exchange.operation, exchange.provider, exchange.ending) == ("rawPredict", "vertex", Ending.EOF)


async def test_stream(
    client: anthropic.AsyncAnthropicVertex,
    prepared: Callable[..., Script],
    ended: Callable[..., Any],
    read: Callable[..., Any],
) -> None:
    script = prepared()
    text, events, failure = await read(client)
    assert failure is None
    assert text == SAID.text
    assert [events[0].type, events[-2].type, events[-1].type] == ["message_start", "message_delta", "message_stop"]
    exchange = await ended(script)
    assert (exchange.operation, exchange.ending) == ("streamRawPredict", Ending.EOF)


async def test_a_model_without_its_version(
    client: anthropic.AsyncAnthropicVertex, prepared: Callable[..., Script]
) -> None:
    prepared()
    assert (await client.messages.create(**ASKED | {"model": CLAUDE[0]})).model == CLAUDE[0]
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.create(**ASKED | {"model": "claude-0"})


STATUSES = [
    (fault.id, answer is Answer.STREAM)
    for fault in FAULTS.values()
    for answer in Answer
    if fault.status and fault.strikes(Provider.VERTEX, answer)
]


@pytest.mark.parametrize(("fault", "stream"), STATUSES)
async def test_errors(
    client: anthropic.AsyncAnthropicVertex,
    prepared: Callable[..., Script],
    error_of: Callable[..., type[anthropic.APIStatusError]],
    fault: str,
    stream: bool,
) -> None:
    prepared(fault)
    with pytest.raises(error_of(anthropic, fault)) as caught:
        await client.messages.create(**ASKED, stream=stream)
    status = caught.value.status_code
    assert (status, status) == (FAULTS[fault].status, caught.value.response.json()["error"]["code"])
    assert ("retry-after" in caught.value.response.headers) is (fault in ("http-429", "http-429-date"))


WHOLE = [
    fault.id
    for fault in FAULTS.values()
    if fault.strikes(Provider.VERTEX, Answer.STREAM, Form.EVENTS) and fault.cosmetic and fault.id != "none"
] + ["wrong-content-type", *(fault.id for fault in FAULTS.values() if fault.usage is not Usage.TRUE)]


@pytest.mark.parametrize("fault", WHOLE)
async def test_streams_that_the_client_takes_for_sound(
    client: anthropic.AsyncAnthropicVertex, prepared: Callable[..., Script], fault: str, read: Callable[..., Any]
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert failure is None
    assert text == SAID.text + (" And again." if fault == "after-done" else "")


SILENT = {
    "cut": 3,
    "no-finish": FAULTS["no-finish"].after,
    "empty-body": 0,
    "empty-choices": 0,
    "json-on-stream": 0,
    "error-chunk": 3,
}


@pytest.mark.parametrize(("fault", "pieces"), SILENT.items(), ids=SILENT)
async def test_failures_that_the_client_does_not_see(
    client: anthropic.AsyncAnthropicVertex,
    prepared: Callable[..., Script],
    fault: str,
    pieces: int,
    read: Callable[..., Any],
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert failure is None
    assert text == "".join(SAID.pieces[:pieces])


LOUD: dict[str, tuple[int, tuple[type[Exception], ...]]] = {
    "reset-before-first": (0, (anthropic.APIConnectionError, httpx2.TransportError)),
    "reset-mid-stream": (3, (anthropic.APIConnectionError, httpx2.TransportError)),
    "error-event": (3, (anthropic.APIStatusError,)),
    "overloaded-in-band": (3, (anthropic.APIStatusError,)),
    "malformed-chunk": (3, (json.JSONDecodeError,)),
    "expired-token": (0, (anthropic.AuthenticationError,)),
    "json-labelled-stream": (0, (anthropic.APIStatusError,)),
}


@pytest.mark.parametrize(("fault", "seen"), LOUD.items(), ids=LOUD)
async def test_failures_that_break_the_stream_off(
    client: anthropic.AsyncAnthropicVertex,
    prepared: Callable[..., Script],
    fault: str,
    seen: tuple[int, tuple[type[Exception], ...]],
    read: Callable[..., Any],
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert text == "".join(SAID.pieces[: seen[0]])
    assert isinstance(failure, seen[1])


async def test_a_newer_token_is_taken(
    client: anthropic.AsyncAnthropicVertex, prepared: Callable[..., Script], read: Callable[..., Any]
) -> None:
    prepared("expired-token")
    with pytest.raises(anthropic.AuthenticationError):
        await client.messages.create(**ASKED)
    client.access_token = str(AccessToken("robot", int(time.time() * 1e6)))
    assert (await read(client))[0] == SAID.text


async def test_the_client_that_blocks(simulator: Simulator, prepared: Callable[..., Script]) -> None:
    prepared()

    def ask() -> tuple[str, str]:
        with anthropic.AnthropicVertex(
            base_url=f"{simulator.base_url(Provider.VERTEX)}/v1",
            project_id="p",
            region="global",
            access_token="ya29.somebody-elses",
            max_retries=0,
        ) as client:
            with client.messages.stream(**ASKED) as stream:
                streamed = "".join(stream.text_stream)
            return streamed, client.messages.create(**ASKED).content[0].text

    assert await asyncio.to_thread(ask) == (SAID.text, SAID.text)
