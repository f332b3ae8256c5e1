"""What HTTP sees of accounting: routes, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web

from harness.backend.flights import Flights
from harness.backend.front import BaseFront

from .errors import AccountingError
from .service import AccountingService


class AccountingFront(BaseFront):
    """The routes. It serves while chat drains: what chat holds has to be ended."""

    def __init__(self, flights: Flights, service: AccountingService) -> None:
        super().__init__(flights)
        self._service = service

    def app(self) -> web.Application:
        """Accounting as an application."""
        app = self.application()
        app.router.add_post("/credits/check", self._service.check)
        app.router.add_post("/streaming-sessions/initialize", self._service.initialize)
        app.router.add_post("/streaming-sessions/{sessionId:[^/]+}/finalize", self._service.finalize)
        app.router.add_post("/streaming-sessions/{sessionId:[^/]+}/abort", self._service.abort)
        return app

    def stopping(self) -> None:
        """Served all the same."""

    def unrouted(self, wrong: web.HTTPException, headers: dict[str, str]) -> web.Response:
        """A router's error in accounting's words."""
        code = "NOT_FOUND" if wrong.status == 404 else "INVALID_REQUEST"
        told = AccountingError(wrong.status, code, wrong.reason, headers=headers)
        return web.json_response(told.body(), status=told.status, headers=headers)
