"""What accounting does with a request: who calls, what is asked, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from harness.backend.accounts import Accounts, User
from harness.backend.auth import Authenticator, Expired
from harness.backend.bodies import BadBody, ClientGone, read_body
from harness.backend.callers import find_caller
from harness.backend.flights import Flights, finish
from harness.backend.ids import parse_id
from harness.backend.log import CallLog, stack_of
from harness.backend.service import CallerService

from .errors import AccountingErrors, forbidden, invalid, no_session
from .ledger import StreamLedger
from .request import AccountingValidator, EndAsk, HoldAsk
from .rows import Streaming

Work = Callable[[web.Request, User], Awaitable[tuple[int, dict[str, Any]]]]
"""What answers a known caller: status and body. Raises what ``AccountingErrors`` words."""


ASKED_AT = web.RequestKey("asked_at", datetime)
"""Key in a request: when it came. A token that is good is so by then, and may have expired a moment later."""


class AccountingService(CallerService):
    """The four calls. Whatever moves credits is done to its end, whether its caller waits for it or not."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        authenticator: Authenticator,
        flights: Flights,
        validator: AccountingValidator,
        ledger: StreamLedger,
        errors: AccountingErrors,
        log: CallLog,
    ) -> None:
        super().__init__(accounts, authenticator, flights, log)
        self.validator = validator
        self.ledger = ledger
        self.errors = errors

    async def check(self, request: web.Request) -> web.Response:
        """POST /credits/check."""
        return await self.answer(request, self._check)

    async def initialize(self, request: web.Request) -> web.Response:
        """POST /streaming-sessions/initialize."""
        return await self.answer(request, self._initialize)

    async def finalize(self, request: web.Request) -> web.Response:
        """POST /streaming-sessions/{sessionId}/finalize."""
        return await self.answer(request, self._finalize)

    async def abort(self, request: web.Request) -> web.Response:
        """POST /streaming-sessions/{sessionId}/abort."""
        return await self.answer(request, self._abort)

    async def answer(self, request: web.Request, work: Work) -> web.Response:
        """Do the work for a known caller, log it, and answer. Raises CancelledError where the caller left."""

        request[ASKED_AT] = datetime.now(UTC)

        async def noted(request: web.Request, user: User) -> web.Response:
            status, body = await work(request, user)
            self.note(request, user, status, body)
            return web.json_response(body, status=status)

        return await self.answered(request, noted)

    async def caller(self, request: web.Request) -> User:
        """Who calls. Raises Denied.

        A stream ends as whoever began it: a token that expired in the middle of one will still do for its end.
        """
        try:
            return await super().caller(request)
        except Expired as expired:
            return await self.late(request, expired)

    async def late(self, request: web.Request, expired: Expired) -> User:
        """Who ends a stream with a token that was good when the stream was initialized. Raises Denied."""
        session_id = parse_id(request.match_info.get("sessionId"))
        began = None if session_id is None else await self.ledger.began(session_id)
        if began is None:
            raise expired
        return await find_caller(request, self.authenticator, self.accounts, then=began)

    def refused(self, request: web.Request, user: User | None, error: Exception) -> web.Response:
        """The answer to a request that nothing came of."""
        told = self.errors.refusal(error)
        more = {"stack": stack_of(error)} if told.status >= 500 else {}
        self.note(request, user, told.status, {**told.body(), **more})
        return web.json_response(told.body(), status=told.status, headers=dict(told.headers))

    def note(self, request: web.Request, user: User | None, status: int, fields: Mapping[str, Any]) -> None:
        """The log's line of a request."""
        known = {"userId": str(user.id) if user else None, "path": request.path, "httpStatus": status}
        self.log.write(user.id if user else None, {"event": "accounting", **known, **fields})

    async def read(self, request: web.Request) -> bytes:
        """The request's body."""
        try:
            return await read_body(request)
        except BadBody as wrong:
            raise invalid(None, str(wrong), status=wrong.status) from None
        except ClientGone as gone:
            raise invalid(None, str(gone)) from None

    async def _check(self, request: web.Request, user: User) -> tuple[int, dict[str, Any]]:
        ask = self.validator.check(await self.read(request))
        self.admit(user, ask.user_id)
        self.ledger.check_model(ask.model)
        balance = await self.ledger.balance(user.id)
        return 200, {"allowed": self.ledger.allowed(balance), "balance": balance}

    async def _initialize(self, request: web.Request, user: User) -> tuple[int, dict[str, Any]]:
        ask = replace(self.validator.hold(await self.read(request)), asked_at=request[ASKED_AT])
        self.admit(user, ask.user_id)
        held = await self.place(ask)
        return 201, {"sessionId": str(ask.session_id), "heldCredits": held}

    async def place(self, ask: HoldAsk) -> int:
        """Place a hold; gives its credits.

        Raises CancelledError where the caller left meanwhile. It is not told of the hold then, and may have tried to
        abort what was not there yet: so the hold is released again.
        """
        try:
            return await finish(self.ledger.hold(ask))
        except asyncio.CancelledError:
            await finish(self.ledger.abort(ask.session_id, ask.user_id, EndAsk(0)))
            raise

    async def _finalize(self, request: web.Request, user: User) -> tuple[int, dict[str, Any]]:
        session_id = self.session_id(request)
        ask = self.validator.finalize(await self.read(request))
        return self.ended(await finish(self.ledger.finalize(session_id, user.id, ask)))

    async def _abort(self, request: web.Request, user: User) -> tuple[int, dict[str, Any]]:
        session_id = self.session_id(request)
        ask = self.validator.abort(await self.read(request))
        return self.ended(await finish(self.ledger.abort(session_id, user.id, ask)))

    def admit(self, user: User, asked: UUID) -> None:
        """Refuse who asks for another's account."""
        if asked != user.id:
            raise forbidden()

    def session_id(self, request: web.Request) -> UUID:
        """The session in the address; what is no id is not found, and never reaches the database."""
        found = parse_id(request.match_info["sessionId"])
        if found is None:
            raise no_session()
        return found

    def ended(self, stream: Streaming) -> tuple[int, dict[str, Any]]:
        """The same answer to everybody who asks: what the end of the stream came to."""
        return 200, {
            "sessionId": str(stream.session_id),
            "status": stream.state.value,
            "tokens": stream.tokens,
            "creditsUsed": stream.credits,
        }
