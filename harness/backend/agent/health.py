"""Whether what the agent needs is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from harness.backend.clock import Clock, utc_text
from harness.backend.health import Learned, StoreHealth
from harness.backend.providers import Provider
from harness.backend.store import Store

from .breaker import Breakers, State
from .catalogue import AgentCatalogue

UP, DOWN = "up", "down"


class AgentHealth(StoreHealth):
    """Answers ``GET /health``, for whoever asks; nothing is charged, and no secret is told.

    ``services`` are the store, which is ``up`` where it answers a query, and each provider that there are credentials
    for, which is ``up`` where it takes a connection: that needs no key and costs nothing. ``breakers`` are
    ``closed``, ``open`` or ``half_open``. The status is 503 where a service is down or a breaker is not closed.

    Services are not asked more often than every ``fresh_s``, nor twice at once: of many who ask, one is made to wait
    for them and the others share what it learned.
    """

    def __init__(
        self,
        store: Store,
        catalogue: AgentCatalogue,
        breakers: Breakers,
        clock: Clock,
        *,
        limit_s: float,
        fresh_s: float,
    ) -> None:
        super().__init__(store, limit_s)
        self._catalogue = catalogue
        self._breakers = breakers
        self._learned = Learned(self.ask, clock, fresh_s)

    async def handle(self, request: web.Request) -> web.Response:
        """200 where everything is there, 503 where something is not."""
        del request
        services = await self.services()
        breakers = {name: self._breakers.of(name).state for name in self._catalogue.served}
        return web.json_response(self.body(services, breakers), status=self.status(services, breakers))

    async def services(self) -> Mapping[str, bool]:
        """Which services are there, by what is known or by asking."""
        return await self._learned.answer()

    async def ask(self) -> Mapping[str, bool]:
        """Ask all services at once."""
        providers = self._catalogue.served
        asked = (self.store_up(), *(self.provider_up(provider) for provider in providers.values()))
        return dict(zip(("store", *providers), await asyncio.gather(*asked), strict=True))

    def well(self, services: Mapping[str, bool], breakers: Mapping[str, State]) -> bool:
        """Whether everything is there."""
        return all(services.values()) and all(state is State.CLOSED for state in breakers.values())

    def status(self, services: Mapping[str, bool], breakers: Mapping[str, State]) -> int:
        """The status code."""
        return 200 if self.well(services, breakers) else 503

    def body(self, services: Mapping[str, bool], breakers: Mapping[str, State]) -> dict[str, Any]:
        """What is told."""
        return {
            "status": "ok" if self.well(services, breakers) else "degraded",
            "services": {name: UP if up else DOWN for name, up in services.items()},
            "breakers": {name: state.value for name, state in breakers.items()},
            "timestamp": utc_text(datetime.now(UTC)),
        }

    async def provider_up(self, provider: Provider) -> bool:
        """Whether the provider takes a connection."""
        address = urlsplit(provider.base_url)
        try:
            async with asyncio.timeout(self._limit_s):
                port = address.port or (443 if address.scheme == "https" else 80)
                _, writer = await asyncio.open_connection(address.hostname, port)
        except OSError:
            return False
        writer.close()
        return True
