"""What HTTP sees of runs: routes, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from harness.backend.bodies import BODY_BYTES_MAX
from harness.backend.flights import Flights

from .errors import RunError, shutting_down
from .health import Health
from .service import RunService


class RunFront:
    """The routes and what goes around them."""

    def __init__(self, flights: Flights, service: RunService, health: Health) -> None:
        self._flights = flights
        self._service = service
        self._health = health

    def app(self) -> web.Application:
        """Runs as an application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self.middleware()])
        app.router.add_get("/api/health", self._health.handle)
        app.router.add_post("/api/projects/{projectId}/runs", self._service.handle)
        return app

    def middleware(self) -> Middleware:
        """Refuses new requests at shut-down, and words the router's errors."""

        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._flights.draining:
                return self._service.response(shutting_down())
            try:
                return await handler(request)
            except web.HTTPException as wrong:
                allow = {"Allow": wrong.headers["Allow"]} if "Allow" in wrong.headers else {}
                return self._service.response(RunError(wrong.status, wrong.reason, headers=allow))

        return around
