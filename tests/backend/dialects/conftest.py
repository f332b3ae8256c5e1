"""A simulated provider, and a way to ask it through the backend's own upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.backend.clients import ProviderClients
from harness.backend.clock import Clock
from harness.backend.gateway.tokens import TokenCounter
from harness.backend.google import GoogleTokens
from harness.backend.providers import Provider as Known
from harness.backend.providers import configured
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, Upstream, UpstreamError, choices_of
from harness.cassettes.recorder import Recorder
from harness.contracts.upstream import Upstream as Seen
from harness.contracts.upstreams import decode_upstream
from harness.core.case import tie_text
from harness.core.fault import FAULTS, Fault
from harness.core.names import Provider
from harness.core.recording import Header, Source
from harness.providers.reply import Reply
from harness.servers.script import Script
from harness.servers.simulator import Simulator

MODELS = {
    Provider.OPENAI: "gpt-4o-mini",
    Provider.ANTHROPIC: "claude-haiku-4-5",
    Provider.BEDROCK: "amazon.nova-micro-v1:0",
    Provider.VERTEX: "gemini-2.5-flash",
}
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-1", "OPENAI_API_KEY": "sk-1", "AWS_ACCESS_KEY_ID": "AKIA1"}
KEYS |= {"AWS_SECRET_ACCESS_KEY": "secret-1", "VERTEX_AI_ACCESS_TOKEN": "ya29.1", "GOOGLE_CLOUD_PROJECT": "project-1"}
ADDRESSES = {
    Provider.OPENAI: "OPENAI_API_URL",
    Provider.ANTHROPIC: "ANTHROPIC_API_URL",
    Provider.BEDROCK: "BEDROCK_URL",
    Provider.VERTEX: "VERTEX_API_URL",
}
SEEN_S = 20
"""How long a request that was made is waited for, in seconds; one that was given up before it was made never comes."""
LIMITS = {"TIMEOUT_CONNECT_S": "2", "TIMEOUT_FIRST_BYTE_S": "0.4", "TIMEOUT_BETWEEN_SEGMENTS_S": "0.4"}


@dataclass
class Got:
    """What came of a call: what we made of it, and what the provider did."""

    chunks: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    error: UpstreamError | None = None
    seen: Seen | None = None

    @property
    def choices(self) -> list[Any]:
        holders = [self.answer, *self.chunks]
        return [choice for holder in holders for choice in choices_of(holder)]

    @property
    def parts(self) -> list[Any]:
        return [choice.get("delta", choice.get("message")) for choice in self.choices]

    @property
    def text(self) -> str:
        return "".join(part.get("content") or "" for part in self.parts)

    @property
    def finish_reasons(self) -> list[str]:
        return [choice["finish_reason"] for choice in self.choices if choice.get("finish_reason")]

    @property
    def usage(self) -> Any:
        return next((one["usage"] for one in [self.answer, *reversed(self.chunks)] if one.get("usage")), None)

    @property
    def kind(self) -> Kind | None:
        return self.error.kind if self.error else None


@dataclass
class Asker:
    """Asks simulated providers."""

    simulator: Simulator
    settings: Settings
    upstream: Upstream
    clients: ProviderClients
    asked: int = 0

    def provider(self, provider: Provider) -> Known:
        return configured(self.settings)[provider.value]

    async def __call__(
        self,
        provider: Provider,
        fault: str | Fault = "none",
        *,
        stream: bool,
        reply: Reply | None = None,
        model: str | None = None,
        **more: Any,
    ) -> Got:
        script, body, tie = self.prepared(provider, fault, model=model)
        script.reply = reply
        body |= more
        got = Got()
        try:
            await self.take(got, self.provider(provider), body, stream=stream)
        except UpstreamError as failure:
            got.error = failure
        exchange = (await asyncio.wait_for(script.ended(tie), SEEN_S)).freeze()
        got.seen = decode_upstream(exchange)
        return got

    def prepared(
        self, provider: Provider, fault: str | Fault = "none", *, model: str | None = None
    ) -> tuple[Script, dict[str, Any], str]:
        """The script of a call to come, its body, and its tag."""
        self.asked += 1
        token = f"{self.asked:010x}"
        script = Script(FAULTS[fault] if isinstance(fault, str) else fault, Recorder(Header(source=Source.SIMULATOR)))
        self.simulator.script(token, script)
        prompt = f"Say something. {tie_text(token, 1)}"
        body = {"model": model or MODELS[provider], "messages": [{"role": "user", "content": prompt}]}
        return script, body, f"{token}.1"

    async def take(self, got: Got, provider: Known, body: dict[str, Any], *, stream: bool) -> None:
        """As the gateway does: an answer without choices is none, nor is a stream without a finish reason whole."""
        if not stream:
            got.answer = await self.upstream.complete(provider, body)
            if not choices_of(got.answer):
                raise UpstreamError(Kind.INVALID, "no choices")
            return
        body = {**body, "stream": True, "stream_options": {"include_usage": True}}
        async with self.upstream.stream(provider, body) as chunks:
            async for chunk in chunks:
                got.chunks.append(chunk)
        if not got.choices:
            raise UpstreamError(Kind.INVALID, "no choices")
        if not got.finish_reasons:
            raise UpstreamError(Kind.INCOMPLETE, "no finish reason")


@asynccontextmanager
async def opened(**more: str) -> AsyncIterator[Asker]:
    """An asker whose settings have these beside the usual ones."""
    async with Simulator() as simulator:
        urls = {name: simulator.base_url(one) for one, name in ADDRESSES.items()}
        settings = Settings.from_mapping({**KEYS, **LIMITS, **urls, **more})
        clients = ProviderClients(settings)
        google = GoogleTokens(settings, Clock(), clients)
        try:
            yield Asker(simulator, settings, Upstream(clients, google), clients)
        finally:
            await clients.close()


@pytest.fixture
def asking() -> Callable[..., AbstractAsyncContextManager[Asker]]:
    return opened


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with opened() as asker:
        yield asker


@pytest.fixture
def count() -> Any:
    """The tokens that a usage object counts, None where it cannot be believed."""

    def counted(usage: Any, text: str) -> tuple[int, int] | None:
        tokens = TokenCounter().sane(usage, len(text))
        return (tokens.input, tokens.output) if tokens else None

    return counted
