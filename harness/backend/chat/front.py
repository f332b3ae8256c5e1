"""What HTTP sees of chat: routes, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from aiohttp import web

from harness.backend.flights import Flights
from harness.backend.front import BaseFront

from .errors import ChatError, shutting_down
from .service import ChatService


class ChatFront(BaseFront):
    """The routes."""

    def __init__(self, flights: Flights, service: ChatService) -> None:
        super().__init__(flights)
        self._service = service

    def app(self) -> web.Application:
        """Chat as an application."""
        app = self.application()
        app.router.add_get("/models", self._service.list_models)
        app.router.add_post("/chat/sessions", self._service.create)
        app.router.add_post("/chat/sessions/{sessionId:[^/]+}/stream", self._service.stream)
        app.router.add_get("/chat/sessions/{sessionId:[^/]+}/observe", self._service.observe)
        app.router.add_delete("/chat/sessions/{sessionId:[^/]+}", self._service.delete)
        return app

    def stopping(self) -> web.Response:
        """No new requests."""
        return self._service.response(shutting_down())

    def unrouted(self, wrong: web.HTTPException, headers: dict[str, str]) -> web.Response:
        """A router's error in chat's words."""
        code = "NOT_FOUND" if wrong.status == 404 else "INVALID_REQUEST"
        return self._service.response(ChatError(wrong.status, code, wrong.reason, headers=headers).plain())
