"""What HTTP sees of runs: routes, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web

from harness.backend.flights import Flights
from harness.backend.front import BaseFront

from .errors import RunError, shutting_down
from .health import Health
from .service import RunService


class RunFront(BaseFront):
    """The routes."""

    def __init__(self, flights: Flights, service: RunService, health: Health) -> None:
        super().__init__(flights)
        self._service = service
        self._health = health

    def app(self) -> web.Application:
        """Runs as an application."""
        app = self.application()
        app.router.add_get("/api/health", self._health.handle)
        app.router.add_post("/api/projects/{projectId}/runs", self._service.handle)
        return app

    def stopping(self) -> web.Response:
        """No new requests."""
        return self._service.response(shutting_down())

    def unrouted(self, wrong: web.HTTPException, headers: dict[str, str]) -> web.Response:
        """A router's error in the words of runs."""
        return self._service.response(RunError(wrong.status, wrong.reason, headers=headers))
