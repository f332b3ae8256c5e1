"""One chat completion from request to answer: who, what, how much, then the provider, then the bill."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

from aiohttp import web

from harness.backend.accounts import Accounts, User
from harness.backend.auth import Authenticator
from harness.backend.bodies import BadBody, ClientGone, read_body
from harness.backend.callers import find_caller
from harness.backend.flights import Flight, Flights, finish
from harness.backend.outcome import Outcome
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, Upstream, UpstreamError, limited

from .billing import Billing
from .call import Call, Phase, Record
from .catalogue import Catalogue
from .errors import ErrorMapper, GatewayError, invalid, shutting_down
from .journal import Journal
from .relay import Relay
from .request import Ask, Validator
from .tokens import Tokens
from .wire import EventStream, Terminals, Wire, characters_of


class Calls:
    """Serves chat completions.

    Whatever happens, a call that placed a hold ends it, a client that is still there is told how the call ended, and
    the log gets one line. A streamed call is settled before its terminal is sent: who has read ``[DONE]`` finds the
    ledger settled.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: Accounts,
        authenticator: Authenticator,
        flights: Flights,
        upstream: Upstream,
        validator: Validator,
        catalogue: Catalogue,
        billing: Billing,
        errors: ErrorMapper,
        wire: Wire,
        relay: Relay,
        terminals: Terminals,
        journal: Journal,
    ) -> None:
        self.settings = settings
        self.accounts = accounts
        self.authenticator = authenticator
        self.flights = flights
        self.upstream = upstream
        self.validator = validator
        self.catalogue = catalogue
        self.billing = billing
        self.errors = errors
        self.wire = wire
        self.relay = relay
        self.terminals = terminals
        self.journal = journal

    async def handle(self, request: web.Request, call_id: UUID) -> web.StreamResponse:
        """Answer one request. Raises CancelledError where the client left."""
        record = Record(call_id)
        try:
            user = await self.caller(request)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
            response = self.refused(record, error)
            self.journal.write(record, None)
            return response
        record.user_id = user.id
        with self.flights.enter(user.id) as flight:
            return await self.serve(request, record, user, flight)

    async def caller(self, request: web.Request) -> User:
        """The user whose token this is. Raises Denied."""
        return await find_caller(request, self.authenticator, self.accounts)

    async def serve(self, request: web.Request, record: Record, user: User, flight: Flight) -> web.StreamResponse:
        """Answer a known user, and log how it went."""
        call: Call | None = None
        try:
            call = self.admit(record, user, await self.read(request))
            return await self.billed(request, call, flight)
        except (asyncio.CancelledError, ClientGone) as gone:
            record.leave()
            raise asyncio.CancelledError from gone
        except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
            return self.refused(record, error)
        finally:
            self.journal.write(record, call)

    async def read(self, request: web.Request) -> bytes:
        """The request's body. Refused with 413 where it is too large, before it is read where it says so."""
        try:
            return await read_body(request)
        except BadBody as wrong:
            raise invalid("body", str(wrong), status=wrong.status) from None

    def admit(self, record: Record, user: User, raw: bytes) -> Call:
        """The call that a request asks for, if it may be made. Raises GatewayError."""
        ask = self.validator.read(raw)
        model = self.catalogue.find(ask.model, user.tier)
        return Call(record, ask, model, int(time.time()))

    async def billed(self, request: web.Request, call: Call, flight: Flight) -> web.StreamResponse:
        """Hold, call, settle. However the call ends, its hold does."""
        try:
            await finish(self.hold(call))
            call.record.phase = Phase.PROVIDER
            if call.ask.stream:
                return await self.stream(request, call, flight)
            return await self.plain(call, flight)
        except (asyncio.CancelledError, ClientGone):
            call.record.leave()
            raise
        except Exception as error:
            call.record.fail(error)
            raise
        finally:
            if call.hold is not None:
                await self.end_hold(call)

    async def end_hold(self, call: Call) -> None:
        """End the hold of a call. Where that fails and the stream has begun, the client is told all the same."""
        try:
            await finish(self.billing.close(call))
        except Exception as broken:
            call.record.fail(broken)
            if call.record.http_status is None:
                raise

    async def hold(self, call: Call) -> None:
        """Place the hold."""
        await self.billing.hold(call)

    async def plain(self, call: Call, flight: Flight) -> web.Response:
        """An answer in one piece."""
        async with limited(flight, self.settings.call_s):
            answer = await self.upstream_of(call).complete(call.model.provider, self.provider_body(call.ask))
        draft = self.wire.completion(call, answer, Tokens(0, 0))
        if not draft["choices"]:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no choices")
        self.relay.note(call, answer)
        call.characters = characters_of(draft["choices"], "message")
        tokens = await finish(self.billing.complete(call))
        body = self.wire.completion(call, answer, tokens)
        return self.answered(call.record, web.json_response(body))

    async def stream(self, request: web.Request, call: Call, flight: Flight) -> web.StreamResponse:
        """An answer piece by piece. Failures before the first piece are raised, later ones are told in band."""
        out: EventStream | None = None
        try:
            async with (
                limited(flight, self.settings.call_s),
                self.upstream_of(call).stream(call.model.provider, self.provider_body(call.ask)) as chunks,
            ):
                first = await self.relay.first(call, chunks)
                out = await self.open(request, call)
                await self.relay.run(call, first, chunks, out)
            self.relay.ended(call)
        except ClientGone:
            raise
        except Exception as failure:
            if out is None:
                raise
            if not self.complete_all_the_same(call, failure):
                return await self.fail_in_band(call, failure, out)
        return await self.complete_stream(call, out)

    def upstream_of(self, call: Call) -> Upstream:
        """How this call asks its provider."""
        del call
        return self.upstream

    def complete_all_the_same(self, call: Call, failure: Exception) -> bool:
        """Whether the answer was complete when the provider's stream broke off: the client has all of it."""
        return call.finished and isinstance(failure, UpstreamError) and not failure.said

    async def complete_stream(self, call: Call, out: EventStream) -> web.StreamResponse:
        """Settle, then end the stream."""
        try:
            tokens = await finish(self.billing.complete(call))
        except Exception as error:  # noqa: BLE001 - the header section is out: it can only be told in band
            return await self.fail_in_band(call, error, out)
        call.record.outcome = Outcome.COMPLETED
        await self.terminals.within_limit(out, self.terminals.completed(call, tokens, out))
        return out.response

    async def fail_in_band(self, call: Call, error: Exception, out: EventStream) -> web.StreamResponse:
        """End the hold, then tell the client in band that the call failed."""
        call.record.fail(error)
        try:
            await self.end_hold(call)
        finally:
            told = self.cut_short(error) or self.errors.in_band(error)
            await self.terminals.within_limit(out, self.terminals.failed(call, told, out))
        return out.response

    async def open(self, request: web.Request, call: Call) -> EventStream:
        """Send the header section of a stream."""
        response = web.StreamResponse(headers=self.stream_headers())
        try:
            await response.prepare(request)
        except ConnectionError as gone:
            raise ClientGone("the client closed the connection") from gone
        call.record.http_status = response.status
        return EventStream(request, response)

    def stream_headers(self) -> dict[str, str]:
        """What a stream says of itself."""
        return {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}

    def provider_body(self, ask: Ask) -> dict[str, Any]:
        """What the provider is asked. Of a stream always with its usage: it is what we bill by."""
        if not ask.stream:
            return ask.body
        return {**ask.body, "stream": True, "stream_options": {"include_usage": True}}

    def refused(self, record: Record, error: Exception) -> web.Response:
        """The answer for any failure before the header section: nothing is lost, and nothing unforeseen is told."""
        record.fail(error)
        if record.http_status is not None:
            raise asyncio.CancelledError from error  # a stream that could not even be ended: cut the connection
        told = self.cut_short(error) or self.errors.answer(error)
        body = self.errors.answer_body(told)
        return self.answered(record, web.json_response(body, status=told.status, headers=dict(told.headers)))

    def cut_short(self, error: Exception) -> GatewayError | None:
        """What the client is told where shut-down, and not the provider, ended the call."""
        late = isinstance(error, UpstreamError) and error.kind is Kind.TIMEOUT and error.status is None
        return shutting_down() if late and self.flights.draining else None

    def answered(self, record: Record, response: web.Response) -> web.Response:
        """An answer in one piece is about to go out."""
        record.http_status = response.status
        if record.outcome is Outcome.RUNNING:
            record.outcome = Outcome.COMPLETED
        return response
