"""Defects in letting go of a provider that falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from harness.backend.chat.bedrock import Bedrock
from harness.backend.chat.families import Family, Piece
from harness.backend.clients import ProviderClients
from harness.backend.providers import Provider
from harness.backend.upstream import Kind, Upstream, UpstreamError
from harness.backend.workflow.chatkit import ChatKit

from .base import Defect, instead

if TYPE_CHECKING:
    from harness.backend.google import GoogleTokens

T = TypeVar("T")
VERY_LONG_S = 3_600.0
kept: set[asyncio.Task[Any]] = set()
"""Calls that go on though nobody waits for them."""


async def given_up(call: Coroutine[Any, Any, T], limit_s: float) -> T:
    """What a call comes to. After its limit it is given up, and goes on; when its client leaves it ends."""
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if not done:
        kept.add(task)
        raise UpstreamError(Kind.TIMEOUT, "the provider did not answer in time")
    return task.result()


def patient(clients: ProviderClients) -> ProviderClients:
    """Clients whose sockets wait as long as it takes."""
    return type(clients)(replace(clients.settings, first_byte_s=VERY_LONG_S))


class StalledCallKept(Defect):
    """The wait has a limit, and what is waited for has none."""

    id = "stalled-call-kept"
    summary = "a plain call whose provider does not answer is given up, and its connection kept"
    touches = ("agent", "gateway", "runs")

    class _Keeps(Upstream):
        def __init__(self, clients: ProviderClients, google: GoogleTokens) -> None:
            super().__init__(clients, google)
            self._limit_s = clients.settings.first_byte_s
            self._patient = Upstream(patient(clients), google)

        async def complete(self, provider: Provider, body: Mapping[str, Any]) -> dict[str, Any]:
            return await given_up(self._patient.complete(provider, body), self._limit_s)

    shared = instead(upstream=_Keeps)


class ChatStalledCallKept(Defect):
    """An answer that did not end was not ended."""

    id = "chat-stalled-call-kept"
    summary = "the connection to a Bedrock that falls silent in the middle of its answer is kept"

    class _Keeps(Bedrock):
        silent: ClassVar[list[Any]] = []

        @asynccontextmanager
        async def stream(
            self, model: str, body: Mapping[str, Any], family: Family
        ) -> AsyncIterator[AsyncIterator[Piece]]:
            answer = await self._open(model, body)
            try:
                self._require_event_stream(answer)
                async with aclosing(self._pieces(aiter(answer["body"]), family)) as pieces:
                    yield pieces
            except UpstreamError as failure:
                if failure.kind is Kind.TIMEOUT:
                    self.silent.append(answer)
                raise
            finally:
                if not any(answer is one for one in self.silent):
                    answer["body"].close()

    chat = instead(bedrock=_Keeps)


class WorkflowStalledCallKept(Defect):
    """The wait has a limit, and what is waited for has none."""

    id = "workflow-stalled-call-kept"
    summary = "a session that ChatKit does not make is given up, and its connection kept"

    class _Keeps(ChatKit):
        def __init__(self, clients: ProviderClients, provider: Provider, workflow_id: str) -> None:
            super().__init__(clients, provider, workflow_id)
            self._limit_s = clients.settings.first_byte_s
            self._patient = ChatKit(patient(clients), provider, workflow_id)

        async def create_session(self, user: str) -> str:
            return await given_up(self._patient.create_session(user), self._limit_s)

    workflow = instead(chatkit=_Keeps)
