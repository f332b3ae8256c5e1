"""Whether the parts that a run needs are there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from harness.backend.clock import Clock, utc_text
from harness.backend.health import Learned, StoreHealth
from harness.backend.providers import Provider
from harness.backend.store import Store
from harness.backend.upstream import Kind, Upstream, UpstreamError

_UP = frozenset({Kind.REFUSED, Kind.NOT_FOUND, Kind.RATE_LIMITED})
"""What the provider may answer and still be there: anything but a refused key, a failure of its own, and garbage."""


class Health(StoreHealth):
    """Answers ``GET /api/health``, for whoever asks; nothing is charged, and no secret is told.

    ``supabase`` is the store: it answers a query. ``openai`` is the provider (the names are the clients', kept from
    other days): it answers a request for the list of its models, which costs nothing, with the key that runs use.
    Each has ``limit_s`` to do so.

    The provider is not asked more often than every ``fresh_s``, nor twice at once: of many who ask, one is made to
    wait for it and the others share what it learned.
    """

    def __init__(
        self, store: Store, upstream: Upstream, provider: Provider, clock: Clock, *, limit_s: float, fresh_s: float
    ) -> None:
        super().__init__(store, limit_s)
        self._upstream = upstream
        self._provider = provider
        self._learned = Learned(self.ask_provider, clock, fresh_s)

    async def handle(self, request: web.Request) -> web.Response:
        """200 where everything is there, 503 where something is down."""
        del request
        store, provider = await asyncio.gather(self.store_up(), self.provider_up())
        status = self.status(store, provider)
        return web.json_response(self.body(store, provider), status=status)

    def status(self, store: bool, provider: bool) -> int:
        """The status code."""
        return 200 if store and provider else 503

    def body(self, store: bool, provider: bool) -> dict[str, Any]:
        """The answer."""
        return {
            "status": "ok" if self.status(store, provider) == 200 else "degraded",
            "supabase": _word(store),
            "openai": _word(provider),
            "timestamp": utc_text(datetime.now(UTC)),
        }

    async def provider_up(self) -> bool:
        """Whether the provider answers, by what is known or by asking."""
        return await self._learned.answer()

    async def ask_provider(self) -> bool:
        """Ask for the list of models."""
        try:
            async with asyncio.timeout(self._limit_s):
                await self._upstream.models(self._provider)
        except TimeoutError:
            return False
        except UpstreamError as failure:
            return failure.kind in _UP
        return True


def _word(up: bool) -> str:
    return "connected" if up else "disconnected"
