"""What HTTP sees of the workflow: its route, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web

from harness.backend.flights import Flights
from harness.backend.front import BaseFront

from .errors import INVALID_REQUEST, PlanError, shutting_down
from .service import PlanService


class PlanFront(BaseFront):
    """The route."""

    def __init__(self, flights: Flights, service: PlanService) -> None:
        super().__init__(flights)
        self._service = service

    def app(self) -> web.Application:
        """The workflow as an application."""
        app = self.application()
        app.router.add_post("/training/plans", self._service.handle)
        return app

    def stopping(self) -> web.Response:
        """No new requests."""
        return self._service.response(shutting_down())

    def unrouted(self, wrong: web.HTTPException, headers: dict[str, str]) -> web.Response:
        """A router's error in the workflow's words."""
        code = wrong.reason.upper().replace(" ", "_")
        return self._service.response(PlanError(wrong.status, code, wrong.reason, INVALID_REQUEST, headers=headers))
