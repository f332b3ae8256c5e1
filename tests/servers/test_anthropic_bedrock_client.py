"""Claude on the simulated Bedrock, asked by Anthropic's own client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import anthropic
import httpx2
import pytest
from botocore.eventstream import ChecksumMismatch

from harness.core.case import tie_text
from harness.core.fault import FAULTS, Usage
from harness.core.names import Answer, Form, Provider
from harness.core.recording import Ending
from harness.providers.bedrock_encode import MODELS
from harness.providers.reply import default_reply
from harness.servers.script import Script

TOKEN = "00000000e1"
PROMPT = f"hello {tie_text(TOKEN, 1)}"
MODEL = MODELS[-1]
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": PROMPT}]}
SAID = default_reply(MODEL, PROMPT)


@pytest.fixture
async def client(claude: Callable[[Provider], Any]) -> AsyncIterator[anthropic.AsyncAnthropicBedrock]:
    async with claude(Provider.BEDROCK) as opened:
        yield opened


async def test_plain_and_streamed(
    client: anthropic.AsyncAnthropicBedrock, prepared: Callable[..., Script], ended: Callable[..., Any]
) -> None:
    script = prepared()
    answer = await client.messages.create(**ASKED)
    assert (answer.content[0].type, answer.content[0].text) == ("text", SAID.text)
    assert (await ended(script)).operation == "invoke"
    async with client.messages.stream(**ASKED) as stream:
        whole = await stream.get_final_message()
    assert (whole.content[0].type, whole.content[0].text, whole.stop_reason) == ("text", SAID.text, "end_turn")
    assert whole.usage.output_tokens == answer.usage.output_tokens == SAID.completion_tokens
    exchange = await ended(script)
    assert (exchange.operation, exchange.ending) == ("invoke-with-response-stream", Ending.EOF)


STATUSES = [fault.id for fault in FAULTS.values() if fault.status and fault.strikes(Provider.BEDROCK, Answer.PLAIN)]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", STATUSES)
async def test_errors(
    client: anthropic.AsyncAnthropicBedrock,
    prepared: Callable[..., Script],
    error_of: Callable[..., type[anthropic.APIStatusError]],
    fault: str,
    stream: bool,
) -> None:
    prepared(fault)
    with pytest.raises(error_of(anthropic, fault)) as caught:
        await client.messages.create(**ASKED, stream=stream)
    assert caught.value.status_code == FAULTS[fault].status


WHOLE = [
    fault.id
    for fault in FAULTS.values()
    if fault.strikes(Provider.BEDROCK, Answer.STREAM, Form.FRAMED_EVENTS) and fault.cosmetic and fault.id != "none"
] + ["wrong-content-type", "malformed-chunk", *(fault.id for fault in FAULTS.values() if fault.usage is not Usage.TRUE)]


@pytest.mark.parametrize("fault", WHOLE)
async def test_streams_that_the_client_takes_for_sound(
    client: anthropic.AsyncAnthropicBedrock, prepared: Callable[..., Script], fault: str, read: Callable[..., Any]
) -> None:
    prepared(fault)
    assert (await read(client))[::2] == (SAID.text + (" And again." if fault == "after-done" else ""), None)


SILENT = {"cut": 3, "no-finish": FAULTS["no-finish"].after, "half-frame": 3, "empty-body": 0, "empty-choices": 0}


@pytest.mark.parametrize(("fault", "pieces"), SILENT.items(), ids=SILENT)
async def test_failures_that_the_client_does_not_see(
    client: anthropic.AsyncAnthropicBedrock,
    prepared: Callable[..., Script],
    fault: str,
    pieces: int,
    read: Callable[..., Any],
) -> None:
    prepared(fault)
    assert (await read(client))[::2] == ("".join(SAID.pieces[:pieces]), None)


EXCEPTIONS = (
    "internalServerException",
    "modelStreamErrorException",
    "validationException",
    "throttlingException",
    "modelTimeoutException",
    "serviceUnavailableException",
)
"""Those that a stream of a model's own may hold (InvokeModelWithResponseStream)."""
LOUD: dict[str, tuple[type[Exception], ...]] = {
    "reset-before-first": (anthropic.APIConnectionError, httpx2.TransportError),
    "reset-mid-stream": (anthropic.APIConnectionError, httpx2.TransportError),
    "error-event": (anthropic.APIStatusError,),
    "error-chunk": (anthropic.APIStatusError,),
    "overloaded-in-band": (anthropic.APIStatusError,),
    "throttled-in-band": (anthropic.APIStatusError,),
    "bad-crc": (ChecksumMismatch,),
    "bad-prelude-crc": (ChecksumMismatch,),
    "json-on-stream": (ChecksumMismatch,),
}
NOTHING_YET = ("reset-before-first", "json-on-stream")


@pytest.mark.parametrize(("fault", "kinds"), LOUD.items(), ids=LOUD)
async def test_failures_that_break_the_stream_off(
    client: anthropic.AsyncAnthropicBedrock,
    prepared: Callable[..., Script],
    fault: str,
    kinds: tuple[type[Exception], ...],
    read: Callable[..., Any],
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert text == "".join(SAID.pieces[: 0 if fault in NOTHING_YET else 3])
    assert isinstance(failure, kinds)


@pytest.mark.parametrize("name", EXCEPTIONS)
async def test_each_exception_in_a_frame_is_raised_by_its_name(
    client: anthropic.AsyncAnthropicBedrock, prepared: Callable[..., Script], name: str, read: Callable[..., Any]
) -> None:
    prepared(replace(FAULTS["error-event"], error_type=name))
    text, _, failure = await read(client)
    assert text == "".join(SAID.pieces[:3])
    assert isinstance(failure, anthropic.APIStatusError)
    assert name in str(failure)
