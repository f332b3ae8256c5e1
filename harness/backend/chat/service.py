"""The calls of chat: sessions made and deleted, streams observed; a stream itself is ``Streams``'."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from aiohttp import web

from harness.backend.accounts import Accounts, User
from harness.backend.auth import Authenticator
from harness.backend.bodies import ClientGone
from harness.backend.callers import find_caller
from harness.backend.flights import Flight, Flights

from .errors import ChatError, ChatErrors, forbidden, not_active
from .journal import ChatJournal
from .models import ChatModels
from .sessions import ChatSessions
from .streams import Streams
from .turn import Turn
from .wire import ChatWire, Outlet

OBSERVER = "supervisor"
Work = Callable[[web.Request, User, Flight], Awaitable[web.StreamResponse]]
"""What answers a known caller. Raises what ``ChatErrors`` words, and ClientGone."""


class ChatService:
    """Serves chat. Whoever calls is told, whatever happens; nothing unforeseen is."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        authenticator: Authenticator,
        flights: Flights,
        models: ChatModels,
        sessions: ChatSessions,
        streams: Streams,
        errors: ChatErrors,
        wire: ChatWire,
        journal: ChatJournal,
        segment_s: float,
    ) -> None:
        self.accounts = accounts
        self.authenticator = authenticator
        self.flights = flights
        self.models = models
        self.sessions = sessions
        self.streams = streams
        self.errors = errors
        self.wire = wire
        self.journal = journal
        self.segment_s = segment_s

    async def list_models(self, request: web.Request) -> web.Response:
        """GET /models."""
        del request
        return web.json_response({"models": self.models.listed()})

    async def create(self, request: web.Request) -> web.StreamResponse:
        """POST /chat/sessions."""
        return await self.answer(request, self._create)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """POST /chat/sessions/{sessionId}/stream."""
        return await self.answer(request, self._stream)

    async def observe(self, request: web.Request) -> web.StreamResponse:
        """GET /chat/sessions/{sessionId}/observe."""
        return await self.answer(request, self._observe)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """DELETE /chat/sessions/{sessionId}."""
        return await self.answer(request, self._delete)

    async def answer(self, request: web.Request, work: Work) -> web.StreamResponse:
        """Do the work for a known caller. Raises CancelledError where the client left."""
        user_id: UUID | None = None
        try:
            user = await find_caller(request, self.authenticator, self.accounts)
            user_id = user.id
            with self.flights.enter(user.id) as flight:
                return await work(request, user, flight)
        except ClientGone as gone:
            raise asyncio.CancelledError from gone
        except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
            told = self.errors.told(error)
            self.journal.refused(user_id, told, error)
            return self.response(told if work == self._stream else told.plain())

    def response(self, told: ChatError) -> web.Response:
        """An error as an answer."""
        return web.json_response(told.body(), status=told.status, headers=dict(told.headers))

    async def _create(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
        del request, flight
        session_id = await self.sessions.create(user.id)
        return web.json_response({"sessionId": self.shown(session_id)}, status=201)

    def shown(self, session_id: UUID) -> str:
        """A session's id as clients read it."""
        return str(session_id)

    async def _stream(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
        session_id = await self.sessions.owned(request.match_info["sessionId"], user.id)
        return await self.streams.serve(request, session_id, user.id, flight)

    async def _observe(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
        """Pass a stream on to somebody who looks on: nothing that this reader does, or leaves, touches the stream."""
        del user, flight
        self.admit_observer(request)
        turn = self.observed(request.match_info["sessionId"])
        out = Outlet(request, self.wire.headers(), self.segment_s)
        await self.welcome(out)
        await self.pass_on(turn, out)
        return out.response

    def admit_observer(self, request: web.Request) -> None:
        """Refuse whoever is no supervisor."""
        principal = self.authenticator.authenticate(request.headers.get("Authorization"))
        if principal.role != OBSERVER:
            raise forbidden("Only a supervisor may observe.")

    async def welcome(self, out: Outlet) -> None:
        """Let an observer know that it is let in, whether there is something to see yet or not."""
        await out.open()

    def observed(self, text: str) -> Turn:
        """The stream to observe."""
        turn = self.sessions.active(text)
        if turn is None:
            raise not_active()
        return turn

    async def pass_on(self, turn: Turn, out: Outlet) -> None:
        """Every event of the stream, from the first on."""
        async for event in turn.broadcast.follow():
            await out.send(event)

    async def _delete(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
        del flight
        session_id = await self.sessions.owned(request.match_info["sessionId"], user.id)
        await self.sessions.delete(session_id)
        return web.Response(status=204)
