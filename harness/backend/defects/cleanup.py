"""Defects in what is left when a call is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from aiohttp import web
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from harness.backend.clients import ProviderClients
from harness.backend.gateway.calls import Calls
from harness.backend.providers import Provider
from harness.backend.runs.run import Run
from harness.backend.runs.service import RunService
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, Upstream, UpstreamError
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.service import PlanService

from .base import Defect, instead
from .silence import kept, patient

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

    from harness.backend.google import GoogleTokens

Chunk = dict[str, Any]
LINGERING_S = 2.3


class _Pumped(Upstream):
    """A stream is read by a task of its own."""

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Chunk]]:
        queue: asyncio.Queue[Chunk | UpstreamError | None] = asyncio.Queue()
        task = asyncio.create_task(self._pump(provider, body, queue))
        yield self._read(queue, task)

    async def _pump(self, provider: Provider, body: Mapping[str, Any], queue: asyncio.Queue[Any]) -> None:
        try:
            async with super().stream(provider, body) as chunks:
                async for chunk in chunks:
                    queue.put_nowait(chunk)
            queue.put_nowait(None)
        except UpstreamError as failure:
            queue.put_nowait(failure)

    async def _read(self, queue: asyncio.Queue[Any], task: asyncio.Task[None]) -> AsyncIterator[Chunk]:
        while (item := await queue.get()) is not None:
            if isinstance(item, UpstreamError):
                raise item
            yield item
        await task


class ClientGoneRunsOn(Defect):
    """The provider is read by a task that nobody stops."""

    id = "client-gone-runs-on"
    summary = "the provider's call goes on after the client has left"

    class _RunsOn(_Pumped):
        def __init__(self, clients: ProviderClients, google: GoogleTokens) -> None:
            super().__init__(clients, google)
            self._limit_s = clients.settings.first_byte_s
            self._patient = Upstream(patient(clients), google)

        async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Chunk:
            task = asyncio.create_task(self._patient.complete(provider, body))
            kept.add(task)
            done, _ = await asyncio.wait({task}, timeout=self._limit_s)
            if not done:
                task.cancel()
                raise UpstreamError(Kind.TIMEOUT, "the provider did not answer in time")
            kept.discard(task)
            return task.result()

    shared = instead(upstream=_RunsOn)


class ClientGoneLingers(Defect):
    """Who leaves may come back, and finds the answer."""

    id = "client-gone-lingers"
    summary = "the provider's stream is closed some seconds after the client has left"
    touches = ("gateway", "agent")

    class _Lingers(_Pumped):
        @asynccontextmanager
        async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Chunk]]:
            queue: asyncio.Queue[Chunk | UpstreamError | None] = asyncio.Queue()
            task = asyncio.create_task(self._pump(provider, body, queue))
            try:
                yield self._read(queue, task)
            finally:
                asyncio.get_running_loop().call_later(LINGERING_S, task.cancel)

    shared = instead(upstream=_Lingers)


class SessionPerStream(Defect):
    """Each call opens an HTTP session of its own and leaves it open."""

    id = "session-per-stream"
    summary = "a provider client is made for each call and never closed"

    class _Opens(ProviderClients):
        def __init__(self, settings: Settings) -> None:
            super().__init__(settings)
            self._opened: list[DefaultAsyncHttpxClient] = []

        def client(self, provider: Provider) -> AsyncOpenAI:
            self._opened.append(self._new_session())
            return self._new_client(provider, self._opened[-1])

        def anthropic(self, provider: Provider) -> AsyncAnthropic:
            self._opened.append(self._new_session())
            return self._new_anthropic(provider, self._opened[-1])

        def open_sessions(self) -> int:
            return super().open_sessions() + len(self._opened)

        async def close(self) -> None:
            await super().close()
            for session in self._opened:  # with the process they would end anyway
                await session.aclose()

    shared = instead(clients=_Opens)


class TaskLeftBehind(Defect):
    """Each call starts a task that waits for what never comes."""

    id = "task-left-behind"
    summary = "every call leaves a task behind"

    class _Forgets(Calls):
        waiting: ClassVar[set[asyncio.Task[Any]]] = set()

        async def handle(self, request: web.Request, call_id: UUID) -> web.StreamResponse:
            self.waiting.add(asyncio.create_task(asyncio.Event().wait()))
            return await super().handle(request, call_id)

    gateway = instead(calls=_Forgets)


class RunsTaskLeftBehind(Defect):
    """Who leaves may come back."""

    id = "runs-task-left-behind"
    summary = "every client that leaves a run leaves a task behind"

    class _Waits(RunService):
        waiting: ClassVar[set[asyncio.Task[Any]]] = set()

        async def client_left(self, run: Run) -> None:
            self.waiting.add(asyncio.create_task(asyncio.Event().wait()))
            await super().client_left(run)

    runs = instead(service=_Waits)


class WorkflowTaskLeftBehind(Defect):
    """Who leaves may come back."""

    id = "workflow-task-left-behind"
    summary = "every client that leaves a plan leaves a task behind"

    class _Waits(PlanService):
        waiting: ClassVar[set[asyncio.Task[Any]]] = set()

        async def left(self, plan: Plan) -> None:
            self.waiting.add(asyncio.create_task(asyncio.Event().wait()))
            await super().left(plan)

    workflow = instead(service=_Waits)
