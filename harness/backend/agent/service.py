"""Sessions over HTTP: made, shown, and what was said in them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from harness.backend.accounts import Accounts, User
from harness.backend.auth import Authenticator
from harness.backend.bodies import BadBody, read_body
from harness.backend.clock import utc_text
from harness.backend.flights import Flights
from harness.backend.gateway.errors import invalid
from harness.backend.log import CallLog, stack_of
from harness.backend.service import CallerService

from .errors import AgentErrors, no_session
from .ids import SessionIds
from .models import VertexModels
from .request import AgentValidator
from .sessions import Message, Session, Sessions


class SessionService(CallerService):
    """Answers for sessions, and for the list of models. Whatever goes wrong is told as an error object."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        authenticator: Authenticator,
        flights: Flights,
        validator: AgentValidator,
        ids: SessionIds,
        sessions: Sessions,
        models: VertexModels,
        errors: AgentErrors,
        log: CallLog,
    ) -> None:
        super().__init__(accounts, authenticator, flights, log)
        self.validator = validator
        self.ids = ids
        self.sessions = sessions
        self.models = models
        self.errors = errors

    async def create(self, request: web.Request) -> web.Response:
        """POST /sessions."""
        return await self.answered(request, self._create)

    async def show(self, request: web.Request) -> web.Response:
        """GET /sessions/{session_id}."""
        return await self.answered(request, self._show)

    async def messages(self, request: web.Request) -> web.Response:
        """GET /sessions/{session_id}/messages."""
        return await self.answered(request, self._messages)

    def refused(self, request: web.Request, user: User | None, error: Exception) -> web.Response:
        """The answer for a failure; one of our own is in the log with its stack."""
        del request
        told = self.errors.answer(error)
        if told.status == 500:
            self.log.write(
                user.id if user else None,
                {"event": "sessions", "error": type(error).__name__, "stack": stack_of(error)},
            )
        body = self.errors.answer_body(told)
        return web.json_response(body, status=told.status, headers=dict(told.headers))

    async def _create(self, request: web.Request, user: User) -> web.Response:
        try:
            user_id = self.validator.user_id(await read_body(request))
        except BadBody as wrong:
            raise invalid("body", str(wrong), status=wrong.status) from None
        made = await self.sessions.create(self.ids.new(), user.id, user_id)
        return web.json_response(self.created_body(made), status=201)

    async def _show(self, request: web.Request, user: User) -> web.Response:
        found = await self.find(request.match_info["session_id"], user)
        count = await self.sessions.count(found.id)
        return web.json_response({**self.body(found), "created_at": utc_text(found.created_at), "message_count": count})

    async def _messages(self, request: web.Request, user: User) -> web.Response:
        found = await self.find(request.match_info["session_id"], user)
        held = await self.sessions.messages(found.id)
        return web.json_response({"session_id": str(found.id), "messages": [self.message(one) for one in held]})

    async def find(self, given: str, user: User) -> Session:
        """The session of this user's that an id means. Raises GatewayError: 400 for no id, 404 for no session."""
        found = await self.sessions.find(self.ids.read(given))
        if found is None or not self.owns(found, user):
            raise no_session()
        return found

    def owns(self, session: Session, user: User) -> bool:
        """Whether the session is this user's."""
        return session.owner_id == user.id

    def created_body(self, session: Session) -> dict[str, Any]:
        """What the maker of a session reads."""
        return self.body(session)

    def body(self, session: Session) -> dict[str, Any]:
        """A session."""
        return {"session_id": str(session.id), "user_id": session.user_id}

    def message(self, message: Message) -> dict[str, Any]:
        """A message."""
        return {
            "id": str(message.id),
            "role": message.role,
            "content": message.content,
            "created_at": utc_text(message.created_at),
        }

    async def model_list(self, request: web.Request) -> web.Response:
        """GET /v1/models, for whoever asks: OpenAI's list object."""
        try:
            listed = await self.models.listed()
        except Exception as error:  # noqa: BLE001 - the outermost boundary: the client is told, the log has the rest
            return self.refused(request, None, error)
        rows = [{"id": name, "object": "model", "created": _SINCE, "owned_by": owner} for name, owner in listed]
        return web.json_response({"object": "list", "data": rows})


_SINCE = 1_735_689_600  # 2025-01-01; the field is required, and says nothing here
