"""What HTTP sees of the workflow: its route, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from harness.backend.bodies import BODY_BYTES_MAX
from harness.backend.flights import Flights

from .errors import INVALID_REQUEST, PlanError, shutting_down
from .service import PlanService


class PlanFront:
    """The route and what goes around it."""

    def __init__(self, flights: Flights, service: PlanService) -> None:
        self._flights = flights
        self._service = service

    def app(self) -> web.Application:
        """The workflow as an application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self.middleware()])
        app.router.add_post("/training/plans", self._service.handle)
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
                code = wrong.reason.upper().replace(" ", "_")
                told = PlanError(wrong.status, code, wrong.reason, INVALID_REQUEST, headers=allow)
                return self._service.response(told)

        return around
