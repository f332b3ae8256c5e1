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
from harness.backend.upstream import Upstream

from .base import Defect, instead


class HoldKeptWhenStreamBreaks(Defect):
    """A failure is met before the first words or not at all."""

    id = "hold-kept-when-stream-breaks"
    summary = "the hold of a stream whose provider fails after the first words is neither settled nor released"

    class _Forgets(Billing):
        async def stream_failed(self, call: Call) -> None:
            if not call.characters:
                await super().stream_failed(call)

    gateway = instead(billing=_Forgets)


class SessionKeptWhenStreamBreaks(Defect):
    """The session is closed by the line behind the stream, which a stream that breaks off does not come to."""

    id = "session-kept-when-stream-breaks"
    summary = "each stream has a client session of its own, which stays open when the client leaves"
    touches = ("gateway", "agent")

    class _Counts(ProviderClients):
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
        @asynccontextmanager
        async def stream(
            self, provider: Provider, body: Mapping[str, Any]
        ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
            session = cast("SessionKeptWhenStreamBreaks._Counts", self._clients).open()
            async with super().stream(provider, body) as chunks:
                yield chunks
            await session.close()

    shared = instead(clients=_Counts, upstream=_Opens)
