"""A running simulator, a recorder, a plain HTTP session, and a way to script one call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import aiohttp
import anthropic
import pytest

from harness.cassettes.recorder import Recorder
from harness.core.case import tie_text
from harness.core.fault import FAULTS, Fault
from harness.core.names import Provider
from harness.core.recording import Exchange, Header, Source
from harness.providers.openai_encode import MODELS
from harness.providers.reply import Reply
from harness.providers.vertex_token import AccessToken
from harness.servers.script import Script
from harness.servers.simulator import Simulator

LIMIT_S = 20.0
ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "APIStatusError",
    413: "APIStatusError",
    424: "APIStatusError",
    429: "RateLimitError",
}
"""What the libraries of OpenAI, Groq and Anthropic, which one generator writes, call the errors of these statuses."""


@dataclass(frozen=True)
class Call:
    """One scripted call: its script, its tag, and the request's JSON."""

    script: Script
    tie: str
    json: dict[str, Any]

    async def ended(self) -> Exchange:
        """The provider's exchange, once it has ended."""
        return (await asyncio.wait_for(self.script.ended(self.tie), LIMIT_S)).freeze()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Header(source=Source.SIMULATOR))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"authorization": "Bearer sk-test"}) as session:
        yield session


@pytest.fixture
def scripted(simulator: Simulator, recorder: Recorder) -> Callable[..., Call]:
    """Put a script for one call into the simulator; calls are numbered, each has a token of its own."""
    numbers = iter(range(1, 1000))

    def prepare(fault: str = "none", provider: Provider = Provider.OPENAI, *, stream: bool = True) -> Call:
        number = next(numbers)
        token = f"{number:010x}"
        script = Script(FAULTS[fault], recorder)
        simulator.script(token, script)
        messages = [{"role": "user", "content": f"hello {tie_text(token, number)}"}]
        return Call(script, f"{token}.{number}", {"model": MODELS[provider][0], "stream": stream, "messages": messages})

    return prepare


@pytest.fixture
def prepared(request: pytest.FixtureRequest, simulator: Simulator, recorder: Recorder) -> Callable[..., Script]:
    """Put a script for the calls of the test module's ``TOKEN`` into the simulator."""

    def prepare(fault: str | Fault = "none", reply: Reply | None = None) -> Script:
        script = Script(FAULTS[fault] if isinstance(fault, str) else fault, recorder, reply=reply)
        simulator.script(request.module.TOKEN, script)
        return script

    return prepare


@pytest.fixture
def ended(request: pytest.FixtureRequest) -> Callable[[Script], Awaitable[Exchange]]:
    """The provider's exchange for the first of those calls, once it has ended."""

    async def wait(script: Script) -> Exchange:
        return (await asyncio.wait_for(script.ended(f"{request.module.TOKEN}.1"), LIMIT_S)).freeze()

    return wait


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Callable[..., Awaitable[tuple[str, list[Any], Exception | None]]]:
    """Ask one of Anthropic's clients for ``ASKED``, streamed, as its user sees it: text, events, what broke it off."""

    async def asked(client: Any, **other: Any) -> tuple[str, list[Any], Exception | None]:
        text, events = "", []
        try:
            async with await client.messages.create(**request.module.ASKED | other, stream=True) as stream:
                async for event in stream:
                    events.append(event)
                    if event.type == "content_block_delta" and event.delta.type == "text_delta":
                        text += event.delta.text
        except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
            return text, events, failure
        return text, events, None

    return asked


@pytest.fixture
def error_of() -> Callable[[ModuleType, str], type[Exception]]:
    """The error that one of those libraries raises for an HTTP status that is a fault."""

    def find(library: ModuleType, fault: str) -> type[Exception]:
        status = FAULTS[fault].status
        assert status
        kind: type[Exception] = getattr(library, ERRORS.get(status, "InternalServerError"))
        return kind

    return find


@pytest.fixture
def claude(simulator: Simulator) -> Callable[..., Any]:
    """Anthropic's own client for Claude where one of its three providers has it; to be closed by who opens it."""

    def opened(provider: Provider, *, blocking: bool = False) -> Any:
        how: dict[str, Any] = {"max_retries": 0, "timeout": LIMIT_S, "base_url": simulator.base_url(provider)}
        if provider is Provider.BEDROCK:
            keys = {"aws_access_key": "AKIATEST", "aws_secret_key": "sekret", "aws_region": "us-east-1"}
            bedrock = anthropic.AnthropicBedrock if blocking else anthropic.AsyncAnthropicBedrock
            return bedrock(**how, **keys)
        if provider is Provider.VERTEX:
            token = str(AccessToken("robot", int(time.time() * 1e6)))
            how["base_url"] += "/v1"
            vertex = anthropic.AnthropicVertex if blocking else anthropic.AsyncAnthropicVertex
            return vertex(**how, project_id="p", region="us-east5", access_token=token)
        return (anthropic.Anthropic if blocking else anthropic.AsyncAnthropic)(**how, api_key="sk-test")

    return opened
