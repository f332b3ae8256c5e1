"""The simulated Anthropic counts as right when its own client library works against it, and fails as it should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic
import httpx2
import pytest

from harness.core.case import tie_text
from harness.core.fault import FAULTS, Usage
from harness.core.names import Answer, Provider
from harness.core.recording import Ending
from harness.providers.anthropic_encode import MODELS
from harness.providers.reply import Reply, default_reply
from harness.servers.script import Script
from harness.servers.simulator import Simulator

TOKEN = "00000000a1"
ASKED: dict[str, Any] = {
    "model": MODELS[0],
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": [{"type": "text", "text": f"hello {tie_text(TOKEN, 1)}"}]}],
}
SAID = default_reply(MODELS[0], ASKED["messages"][0]["content"][0]["text"])


@pytest.fixture
async def client(claude: Callable[[Provider], Any]) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with claude(Provider.ANTHROPIC) as opened:
        yield opened


async def test_models(client: anthropic.AsyncAnthropic) -> None:
    assert [model.id async for model in client.models.list()] == list(MODELS)


async def test_plain(
    client: anthropic.AsyncAnthropic, prepared: Callable[..., Script], ended: Callable[..., Any]
) -> None:
    script = prepared()
    answer = await client.messages.create(**ASKED)
    assert (answer.content[0].type, answer.content[0].text) == ("text", SAID.text)
    assert (answer.role, answer.stop_reason) == ("assistant", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (SAID.prompt_tokens, SAID.completion_tokens)
    exchange = await ended(script)
    assert (exchange.operation, exchange.provider, exchange.ending) == ("messages", "anthropic", Ending.EOF)


async def test_stream(
    client: anthropic.AsyncAnthropic,
    prepared: Callable[..., Script],
    ended: Callable[..., Any],
    read: Callable[..., Any],
) -> None:
    script = prepared()
    text, events, failure = await read(client)
    assert failure is None
    assert text == SAID.text
    assert [events[0].type, events[-2].type, events[-1].type] == ["message_start", "message_delta", "message_stop"]
    assert events[-2].usage.output_tokens == SAID.completion_tokens
    assert (await ended(script)).ending is Ending.EOF


async def test_the_message_that_the_client_puts_together(
    client: anthropic.AsyncAnthropic, prepared: Callable[..., Script]
) -> None:
    prepared(reply=Reply(("Yes", ", no"), 10, 20, MODELS[0], "length"))
    async with client.messages.stream(**ASKED) as stream:
        message = await stream.get_final_message()
    assert (message.content[0].type, message.content[0].text) == ("text", "Yes, no")
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("max_tokens", 10, 20)


REFUSALS = [fault.id for fault in FAULTS.values() if fault.status and fault.strikes(Provider.ANTHROPIC, Answer.PLAIN)]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_errors(
    client: anthropic.AsyncAnthropic,
    prepared: Callable[..., Script],
    error_of: Callable[..., type[anthropic.APIStatusError]],
    fault: str,
    stream: bool,
) -> None:
    prepared(fault)
    with pytest.raises(error_of(anthropic, fault)) as caught:
        await client.messages.create(**ASKED, stream=stream)
    assert caught.value.status_code == FAULTS[fault].status
    assert caught.value.request_id
    assert ("sk-test" in str(caught.value)) is (fault == "http-401")
    assert ("retry-after" in caught.value.response.headers) is (fault in ("http-429", "http-429-date"))
    if fault == "http-529":
        assert type(caught.value).__name__ == "OverloadedError"


WHOLE = [
    fault.id
    for fault in FAULTS.values()
    if fault.strikes(Provider.ANTHROPIC, Answer.STREAM) and fault.cosmetic and fault.id != "none"
] + ["wrong-content-type", *(fault.id for fault in FAULTS.values() if fault.usage is not Usage.TRUE)]


@pytest.mark.parametrize("fault", WHOLE)
async def test_streams_that_the_client_takes_for_sound(
    client: anthropic.AsyncAnthropic, prepared: Callable[..., Script], fault: str, read: Callable[..., Any]
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
    client: anthropic.AsyncAnthropic, prepared: Callable[..., Script], fault: str, pieces: int, read: Callable[..., Any]
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert failure is None
    assert text == "".join(SAID.pieces[:pieces])


LOUD = {
    "reset-before-first": 0,
    "reset-mid-stream": 3,
    "error-event": 3,
    "overloaded-in-band": 3,
    "malformed-chunk": 3,
}


@pytest.mark.parametrize(("fault", "pieces"), LOUD.items(), ids=LOUD)
async def test_failures_that_break_the_stream_off(
    client: anthropic.AsyncAnthropic,
    prepared: Callable[..., Script],
    fault: str,
    pieces: int,
    ended: Callable[..., Any],
    read: Callable[..., Any],
) -> None:
    script = prepared(fault)
    text, _, failure = await read(client)
    assert text == "".join(SAID.pieces[:pieces])
    if fault.startswith("reset"):
        assert isinstance(failure, anthropic.APIConnectionError | httpx2.TransportError)
        assert (await ended(script)).ending is Ending.RESET
    elif fault == "malformed-chunk":
        assert isinstance(failure, json.JSONDecodeError)
    else:
        assert isinstance(failure, anthropic.APIStatusError)
        words = "overloaded_error" if fault == "overloaded-in-band" else "stopped working"
        assert words in str(failure)


async def test_a_bearer_token_is_a_key_too(
    simulator: Simulator, prepared: Callable[..., Script], read: Callable[..., Any]
) -> None:
    prepared()
    url = simulator.base_url(Provider.ANTHROPIC)
    async with anthropic.AsyncAnthropic(base_url=url, auth_token="token", max_retries=0) as client:
        assert (await read(client))[0] == SAID.text


async def test_the_client_that_blocks(simulator: Simulator, prepared: Callable[..., Script]) -> None:
    prepared()

    def ask() -> tuple[str, str]:
        url = simulator.base_url(Provider.ANTHROPIC)
        with anthropic.Anthropic(base_url=url, api_key="sk-test", max_retries=0) as client:
            with client.messages.stream(**ASKED) as stream:
                streamed = "".join(stream.text_stream)
            return streamed, client.messages.create(**ASKED).content[0].text

    assert await asyncio.to_thread(ask) == (SAID.text, SAID.text)


@pytest.mark.parametrize("fault", REFUSALS)
async def test_the_client_that_blocks_raises_the_same(
    simulator: Simulator,
    prepared: Callable[..., Script],
    error_of: Callable[..., type[anthropic.APIStatusError]],
    fault: str,
) -> None:
    prepared(fault)

    def ask() -> object:
        url = simulator.base_url(Provider.ANTHROPIC)
        with anthropic.Anthropic(base_url=url, api_key="sk-test", max_retries=0) as client:
            return client.messages.create(**ASKED)

    with pytest.raises(error_of(anthropic, fault)):
        await asyncio.to_thread(ask)
