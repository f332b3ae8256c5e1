"""Defects in what a stream of chat costs, on either side of its accounting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from harness.backend.accounting.errors import open_already
from harness.backend.accounting.ledger import StreamLedger
from harness.backend.accounting.request import EndAsk, HoldAsk
from harness.backend.accounting.rows import State, Streaming
from harness.backend.accounting.service import AccountingService
from harness.backend.accounts import Hold, InsufficientCredits, User
from harness.backend.auth import Expired
from harness.backend.chat.accounting import AccountingClient
from harness.backend.chat.billing import ChatBilling
from harness.backend.chat.errors import AccountingFailed
from harness.backend.chat.families import OUTPUT_TOKENS
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Phase, Turn
from harness.backend.chat.wire import ChatWire
from harness.backend.flights import finish

from .base import Defect, instead
from .spending import spend


class ChatEstimateNotSent(Defect):
    """The client's estimate is passed on, and where it has none, nothing is."""

    id = "chat-estimate-not-sent"
    summary = "without an estimate of the client's, accounting is told none, and refuses, and so the stream is refused"

    class _Forgets(AccountingClient):
        def hold_body(self, turn: Turn) -> dict[str, Any]:
            body = super().hold_body(turn)
            if turn.ask.estimated_tokens is None:
                del body["estimatedTokens"]
            return body

    chat = instead(accounting=_Forgets)


class ChatHoldTooSmall(Defect):
    """Only the prompt is estimated."""

    id = "chat-hold-too-small"
    summary = "the estimate leaves the output limit out"

    class _InPart(ChatBilling):
        def estimate(self, turn: Turn) -> int:
            whole = super().estimate(turn)
            return whole if turn.ask.estimated_tokens is not None else whole - OUTPUT_TOKENS

    chat = instead(billing=_InPart)


class ChatCheckedThenSpent(Defect):
    """The balance was checked a moment ago: it will be there."""

    id = "chat-checked-then-spent"
    summary = "streams that were checked are held for with whatever is left by then"

    class _Trusts(StreamLedger):
        async def place(self, ask: HoldAsk, credits: int) -> Hold:
            try:
                return await super().place(ask, credits)
            except InsufficientCredits as short:
                return await super().place(ask, short.balance)

    chat = instead(stream_ledger=_Trusts)


class ChatSettlesTheEstimate(Defect):
    """What was held for is what is charged."""

    id = "chat-settles-the-estimate"
    summary = "a stream that went well is charged for its estimate"

    class _Settles(ChatBilling):
        async def complete(self, turn: Turn) -> None:
            turn.phase = Phase.SETTLE
            turn.tokens = self._counter.count(turn.usage, turn.ask.characters, turn.characters)
            await self.finalize(turn, turn.estimated_tokens)

    chat = instead(billing=_Settles)


class ChatCreditsUsedWrong(Defect):
    """The client reads tokens where it should read credits."""

    id = "chat-credits-used-wrong"
    summary = "creditsUsed is not what was charged"

    class _Confuses(ChatWire):
        def done(self, turn: Turn) -> bytes:
            turn.credits += 1
            return super().done(turn)

    chat = instead(wire=_Confuses)


class ChatAbortChargesAll(Defect):
    """Who breaks off pays for what was set aside."""

    id = "chat-abort-charges-all"
    summary = "a stream that broke off is charged the whole hold"

    class _Charges(StreamLedger):
        def delivered_price(self, stream: Streaming, ask: EndAsk) -> int:
            return stream.held if ask.tokens else 0

    chat = instead(stream_ledger=_Charges)


class ChatAbortChargesNothing(Defect):
    """A stream that broke off is a failed one."""

    id = "chat-abort-charges-nothing"
    summary = "a stream that broke off is free, whatever was delivered"

    class _Spares(StreamLedger):
        def delivered_price(self, stream: Streaming, ask: EndAsk) -> int:
            return 0

    chat = instead(stream_ledger=_Spares)


class ChatHoldKeptWhenOwnerLeaves(Defect):
    """The handler is cancelled, and with it the clean-up."""

    id = "chat-hold-kept-when-owner-leaves"
    summary = "when the owner leaves, accounting is not told"

    class _Forgets(Streams):
        async def left(self, turn: Turn) -> None:
            turn.held = False
            await super().left(turn)

    chat = instead(streams=_Forgets)


class ChatHoldKeptWhenUnsure(Defect):
    """An answer that is no success is a refusal."""

    id = "chat-hold-kept-when-unsure"
    summary = "a hold that accounting placed, and then failed to say so, is left standing"

    class _Trusts(ChatBilling):
        async def hold(self, turn: Turn) -> None:
            try:
                await super().hold(turn)
            except AccountingFailed as failed:
                turn.held = failed.status is None
                raise

    chat = instead(billing=_Trusts)


class ChatExpiredTokenEndsNothing(Defect):
    """An expired token is an expired token."""

    id = "chat-expired-token-ends-nothing"
    summary = "a stream whose owner's token expires meanwhile can be neither finalized nor aborted"

    class _Strict(AccountingService):
        async def late(self, request: web.Request, expired: Expired) -> User:
            raise expired

    chat = instead(accounting_service=_Strict)


class ChatDeliveredCappedByHold(Defect):
    """What was set aside is the most that can be taken."""

    id = "chat-delivered-capped-by-hold"
    summary = "a stream that broke off costs at most the client's own estimate"

    class _Caps(StreamLedger):
        def delivered_price(self, stream: Streaming, ask: EndAsk) -> int:
            return min(stream.held, super().delivered_price(stream, ask))

    chat = instead(stream_ledger=_Caps)


class ChatAbortNothingCharged(Defect):
    """Nothing costs less than a credit."""

    id = "chat-abort-nothing-charged"
    summary = "a stream that is aborted before its first words costs a credit"

    class _Charges(StreamLedger):
        def delivered_price(self, stream: Streaming, ask: EndAsk) -> int:
            return super().delivered_price(stream, ask) or 1

    chat = instead(stream_ledger=_Charges)


class ChatLogForgetsAborts(Defect):
    """Only a stream that went well has a price."""

    id = "chat-log-forgets-aborts"
    summary = "the log says that a stream which broke off cost nothing"

    class _Forgets(ChatBilling):
        async def abort(self, turn: Turn) -> None:
            await super().abort(turn)
            turn.credits = 0

    chat = instead(billing=_Forgets)


class ChatFinalizeNotIdempotent(Defect):
    """What was ended cannot be ended."""

    id = "chat-finalize-not-idempotent"
    summary = "ending a stream again is answered by 409"

    class _Refuses(StreamLedger):
        async def find(self, session_id: UUID, user_id: UUID) -> Streaming:
            stream = await super().find(session_id, user_id)
            if stream.state is not State.OPEN:
                raise open_already()
            return stream

    chat = instead(stream_ledger=_Refuses)


class ChatFinalizeChargesTwice(Defect):
    """Each request to settle is a settlement."""

    id = "chat-finalize-charges-twice"
    summary = "ending a stream again charges for it again"

    class _Twice(StreamLedger):
        async def end(self, stream: Streaming, state: State, ask: EndAsk, price: int) -> Streaming:
            if stream.state is not State.OPEN and price:
                await spend(self._accounts, stream.user_id, price)
            return await super().end(stream, state, ask, price)

    chat = instead(stream_ledger=_Twice)


class ChatFinalizeFailureHidden(Defect):
    """The answer was good; what accounting has to say about it is its own business."""

    id = "chat-finalize-failure-hidden"
    summary = "a stream that could not be settled ends in done"

    class _Hides(ChatBilling):
        async def complete(self, turn: Turn) -> None:
            try:
                await super().complete(turn)
            except AccountingFailed:
                await finish(self.abort(turn))

    chat = instead(billing=_Hides)


class ChatAccountingUserIdTrusted(Defect):
    """The body says whose account it is."""

    id = "chat-accounting-user-id-trusted"
    summary = "accounting holds credits of whoever the body names"

    class _Trusts(AccountingService):
        def admit(self, user: User, asked: UUID) -> None:
            return

    chat = instead(accounting_service=_Trusts)
