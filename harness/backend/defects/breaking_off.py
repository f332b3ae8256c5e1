"""Defects in what is left of a stream that breaks off after its first words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp

from harness.backend.clients import ProviderClients
from harness.backend.gateway.billing import Billing
from harness.backend.gateway.call import Call
from harness.backend.providers import Provider
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, Upstream, UpstreamError

from .base import Defect, instead

Chunk = dict[str, Any]


class HoldKeptWhenStreamBreaks(Defect):
    """A failure is met before the first words or not at all."""

    id = "hold-kept-when-stream-breaks"
    summary = "the hold of a stream whose provider fails after the first words is neither settled nor released"

    class _Forgets(Billing):
        async def stream_failed(self, call: Call) -> None:
            if not call.characters:
                await super().stream_failed(call)

    gateway = instead(billing=_Forgets)


class _Counts(ProviderClients):
    """Client sessions beside the usual one, counted and closed with the process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._opened: list[aiohttp.ClientSession] = []

    def open(self) -> aiohttp.ClientSession:
        self._opened.append(self._new_http())
        return self._opened[-1]

    def open_sessions(self) -> int:
        return super().open_sessions() + sum(not session.closed for session in self._opened)

    async def close(self) -> None:
        await super().close()
        for session in self._opened:
            await session.close()


class _Opens(Upstream):
    """A client session for each stream; a subclass says when it is closed."""

    def open(self) -> aiohttp.ClientSession:
        return cast("_Counts", self._clients).open()


class SessionKeptWhenStreamBreaks(Defect):
    """The session is closed by the line behind the stream, which a stream that breaks off does not come to."""

    id = "session-kept-when-stream-breaks"
    summary = "each stream has a client session of its own, which stays open when the client leaves"
    touches = ("gateway", "agent")

    class _Behind(_Opens):
        @asynccontextmanager
        async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Chunk]]:
            session = self.open()
            async with super().stream(provider, body) as chunks:
                yield chunks
            await session.close()

    shared = instead(clients=_Counts, upstream=_Behind)


class SessionKeptWhenLeftEarly(Defect):
    """The session is closed with the stream, which is there once the provider has answered."""

    id = "session-kept-when-left-early"
    summary = "each stream has a client session of its own, which stays open when the client leaves before the headers"
    touches = ("gateway", "agent")

    class _Inside(_Opens):
        @asynccontextmanager
        async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Chunk]]:
            session = self.open()
            try:
                async with super().stream(provider, body) as chunks:
                    try:
                        yield chunks
                    finally:
                        await session.close()
            except UpstreamError:
                await session.close()
                raise

    shared = instead(clients=_Counts, upstream=_Inside)


class SessionKeptWhenStalled(Defect):
    """Whoever is only slow is asked again in a moment, by the same session."""

    id = "session-kept-when-stalled"
    summary = "each stream has a client session of its own, which stays open when the provider falls silent"
    touches = ("gateway", "agent")

    class _Keeps(_Opens):
        @asynccontextmanager
        async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Chunk]]:
            session, silent = self.open(), False
            try:
                async with super().stream(provider, body) as chunks:
                    yield chunks
            except UpstreamError as failure:
                silent = failure.kind is Kind.TIMEOUT
                raise
            finally:
                if not silent:
                    await session.close()

    shared = instead(clients=_Counts, upstream=_Keeps)
