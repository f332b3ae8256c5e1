"""One stream from request to terminal: admitted, held for, asked of Bedrock, passed on, settled."""

from __future__ import annotations

import asyncio
from uuid import UUID

from aiohttp import web

from harness.backend.bodies import BadBody, ClientGone, read_body
from harness.backend.flights import Flight, Flights, finish
from harness.backend.outcome import Outcome
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, UpstreamError, limited

from .bedrock import Bedrock
from .billing import ChatBilling
from .broadcast import Broadcast
from .errors import AccountingFailed, ChatError, ChatErrors, cancelled, invalid, shutting_down
from .families import Piece
from .journal import ChatJournal
from .models import ChatModels
from .request import ChatValidator
from .sessions import ChatSessions
from .turn import Phase, Turn
from .wire import ChatWire, Outlet


class Streams:
    """Serves streams.

    Whatever happens, a stream that was held for is settled or aborted, the session is free again, all who follow are
    told how it ended, and the log gets one line: in this order, so that who has read a terminal finds it all done. A
    stream can be observed from the moment on at which it is admitted: before its owner reads anything of it.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        flights: Flights,
        validator: ChatValidator,
        models: ChatModels,
        sessions: ChatSessions,
        billing: ChatBilling,
        bedrock: Bedrock,
        errors: ChatErrors,
        wire: ChatWire,
        journal: ChatJournal,
        broadcast: type[Broadcast],
    ) -> None:
        self.settings = settings
        self.flights = flights
        self.validator = validator
        self.models = models
        self.sessions = sessions
        self.billing = billing
        self.bedrock = bedrock
        self.errors = errors
        self.wire = wire
        self.journal = journal
        self.broadcast = broadcast

    async def serve(self, request: web.Request, session_id: UUID, user_id: UUID, flight: Flight) -> web.StreamResponse:
        """Answer the owner of a session. Raises ChatError before the stream, CancelledError where the owner left."""
        turn = await self.admit(request, session_id, user_id, flight)
        await self.sessions.begin(turn)
        try:
            return await self.perform(request, turn)
        finally:
            self.sessions.end(turn)
            self.journal.stream(turn)

    async def admit(self, request: web.Request, session_id: UUID, user_id: UUID, flight: Flight) -> Turn:
        """The stream that a request asks for, if it may be made. Raises ChatError and ClientGone."""
        try:
            raw = await read_body(request)
        except BadBody as wrong:
            raise invalid(str(wrong), status=wrong.status) from None
        ask = self.validator.read(raw, user_id)
        self.models.family(ask.model)
        authorization = request.headers.get("Authorization", "")
        return Turn(
            session_id=session_id,
            user_id=user_id,
            ask=ask,
            authorization=authorization,
            flight=flight,
            broadcast=self.broadcast(),
        )

    async def perform(self, request: web.Request, turn: Turn) -> web.StreamResponse:
        """Make the stream, and end it."""
        out = Outlet(request, self.wire.headers(), self.settings.segment_s)
        try:
            await finish(self.billing.begin(turn))
            await self.generate(turn, out)
            await finish(self.billing.complete(turn))
        except (asyncio.CancelledError, ClientGone) as gone:
            await self.left(turn)
            raise asyncio.CancelledError from gone
        except Exception as error:  # noqa: BLE001 - the outermost boundary: all who follow are told, the hold is ended
            return await self.failed(turn, error, out)
        turn.outcome = Outcome.COMPLETED
        return await self.tell(turn, self.wire.done(turn), out)

    async def generate(self, turn: Turn, out: Outlet) -> None:
        """Ask the provider, and pass on what it says."""
        turn.phase = Phase.PROVIDER
        family = self.models.of(turn.ask.model)
        async with limited(turn.flight, self.settings.call_s):
            if turn.stopped is not None:
                raise turn.stopped
            async with self.bedrock.stream(turn.ask.model, family.body(turn.ask), family) as pieces:
                async for piece in pieces:
                    await self.relay(turn, piece, out)
        if not turn.chunks:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no words")

    async def relay(self, turn: Turn, piece: Piece, out: Outlet) -> None:
        """Pass one piece on: to those who look on without waiting, then to the owner. Raises ClientGone."""
        turn.note(piece)
        if not piece.text:
            return
        event = self.wire.delta(piece.text)
        turn.broadcast.publish(event)
        await out.send(event)
        turn.http_status = out.response.status
        turn.delivered(piece.text)

    async def left(self, turn: Turn) -> None:
        """The owner left: what was delivered is paid for, and those who look on are told."""
        turn.leave()
        await finish(self.abort(turn))
        self.sessions.end_with(turn, self.wire.error(turn.stopped or cancelled()))

    async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
        """End the hold, then tell the owner, in band where the stream had begun, and all others."""
        turn.fail(error)
        told = turn.stopped or self.cut_short(error) or self.errors.told(error, turn.ask.model)
        await finish(self.abort(turn))
        if out.opened:
            return await self.tell(turn, self.wire.error(told), out)
        self.sessions.end_with(turn, self.wire.error(told))
        turn.http_status = told.status
        return web.json_response(told.body(), status=told.status, headers=dict(told.headers))

    async def tell(self, turn: Turn, terminal: bytes, out: Outlet) -> web.StreamResponse:
        """The stream is over: the session is free, then all who follow read so."""
        self.sessions.end_with(turn, terminal)
        try:
            await out.send(terminal)
        except ClientGone as gone:
            raise asyncio.CancelledError from gone
        return out.response

    async def abort(self, turn: Turn) -> None:
        """End the hold, where there may be one. Where that fails the log says so: the client is told of the first."""
        try:
            await self.billing.abort(turn)
        except AccountingFailed as broken:
            self.journal.abort_failed(turn, broken)

    def cut_short(self, error: Exception) -> ChatError | None:
        """What is told where shut-down, and not the provider, ended the stream."""
        late = isinstance(error, UpstreamError) and error.kind is Kind.TIMEOUT and error.status is None
        return shutting_down() if late and self.flights.draining else None
