"""What HTTP sees of the agent: the gateway's front, with sessions and health."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from harness.backend.flights import Flights
from harness.backend.gateway.front import Front

from .calls import CHAT, AgentCalls
from .errors import AgentErrors
from .health import AgentHealth
from .service import SessionService

SESSION_HEADER = "x-session-id"


class AgentFront(Front):
    """The routes. An answer to a chat says in ``x-session-id`` which session its messages belong to."""

    def __init__(
        self, flights: Flights, calls: AgentCalls, errors: AgentErrors, sessions: SessionService, health: AgentHealth
    ) -> None:
        super().__init__(flights, calls, calls.catalogue, errors)
        self._sessions = sessions
        self._health = health

    def app(self) -> web.Application:
        """The agent as an application."""
        app = self.application()
        app.on_response_prepare.append(self.mark)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self._sessions.model_list)
        app.router.add_post("/sessions", self._sessions.create)
        app.router.add_get("/sessions/{session_id:[^/]+}", self._sessions.show)
        app.router.add_get("/sessions/{session_id:[^/]+}/messages", self._sessions.messages)
        app.router.add_get("/health", self._health.handle)
        return app

    async def mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put the request's id on every answer, and on a chat's its session."""
        await super().mark(request, response)
        chat = request.get(CHAT)
        if chat is not None and chat.session_id is not None and not chat.new_session:
            response.headers.update(self.session_headers(chat.session_id))

    def session_headers(self, session: UUID) -> dict[str, str]:
        """What an answer says of its session."""
        return {SESSION_HEADER: str(session)}
