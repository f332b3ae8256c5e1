"""What HTTP sees of accounting: routes, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from harness.backend.bodies import BODY_BYTES_MAX

from .errors import AccountingError
from .service import AccountingService


class AccountingFront:
    """The routes and what goes around them. It serves while chat drains: what chat holds has to be ended."""

    def __init__(self, service: AccountingService) -> None:
        self._service = service

    def app(self) -> web.Application:
        """Accounting as an application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self.middleware()])
        app.router.add_post("/credits/check", self._service.check)
        app.router.add_post("/streaming-sessions/initialize", self._service.initialize)
        app.router.add_post("/streaming-sessions/{sessionId:[^/]+}/finalize", self._service.finalize)
        app.router.add_post("/streaming-sessions/{sessionId:[^/]+}/abort", self._service.abort)
        return app

    def middleware(self) -> Middleware:
        """Words the router's errors."""

        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                return await handler(request)
            except web.HTTPException as wrong:
                code = "NOT_FOUND" if wrong.status == 404 else "INVALID_REQUEST"
                allow = {"Allow": wrong.headers["Allow"]} if "Allow" in wrong.headers else {}
                told = AccountingError(wrong.status, code, wrong.reason, headers=allow)
                return web.json_response(told.body(), status=told.status, headers=allow)

        return around
