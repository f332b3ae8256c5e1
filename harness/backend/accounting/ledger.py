"""Holds of streams: placed, and ended exactly once whoever asks, how often, and in which order."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounts import Accounts, AlreadyEnded, Hold, Settled, Use

from .errors import invalid, no_session
from .pricing import StreamPricing
from .request import EndAsk, HoldAsk
from .rows import State, Streaming, StreamingRows

PROVIDER = "bedrock"
LONGEST_S = 70.0


class StreamLedger:
    """Hold, then settle or release.

    Finalizing charges the price of the tokens that were used, aborting that of the tokens that were delivered: either
    way at most the hold plus what is left, whatever was held for, with the shortfall written down. Where none were
    delivered the hold is released. Of any number who finalize and abort one stream the first counts, and all read what
    it came to.

    No stream takes longer than ``longest_s``: one that has not ended by then is nobody's any more (accounting could not
    be reached when it ended, or chat was killed), and its hold is released when its session begins another.
    """

    def __init__(
        self, accounts: Accounts, pricing: StreamPricing, rows: StreamingRows, *, longest_s: float = LONGEST_S
    ) -> None:
        self._accounts = accounts
        self._pricing = pricing
        self._rows = rows
        self._longest = timedelta(seconds=longest_s)

    async def balance(self, user_id: UUID) -> int:
        """What a user has now."""
        return await self._accounts.balance(user_id)

    def allowed(self, balance: int) -> bool:
        """Whether a stream may begin as far as anybody can tell now; only ``hold`` decides."""
        return balance >= 1

    def check_model(self, model: str) -> None:
        """Refuse a model that has no price."""
        if not self._pricing.has(model):
            raise invalid("modelId", "modelId is not a model that has a price.")

    async def hold(self, ask: HoldAsk) -> int:
        """Place the hold of a stream; gives its credits. Raises InsufficientCredits and AccountingError."""
        self.check_model(ask.model)
        await self.release_left(ask)
        return (await self.place(ask, self.hold_credits(ask))).credits

    async def release_left(self, ask: HoldAsk) -> None:
        """End the session's last stream where nobody else will."""
        stream = await self._rows.last(ask.session_id)
        if stream is not None and stream.user_id == ask.user_id and self.left(stream):
            with suppress(AlreadyEnded):
                await self.charge(stream, State.ABORTED, EndAsk(0, estimated=True), 0)

    def left(self, stream: Streaming) -> bool:
        """Whether a stream has not ended and is older than any can be that is under way."""
        return stream.state is State.OPEN and self.over(stream)

    def over(self, stream: Streaming) -> bool:
        """Whether a stream is older than any can be that is under way."""
        return datetime.now(UTC) - stream.began_at > self._longest

    async def began(self, session_id: UUID) -> datetime | None:
        """When a session's last stream began; None where it had none that can be under way or just over."""
        stream = await self._rows.last(session_id)
        return None if stream is None or self.over(stream) else stream.began_at

    async def place(self, ask: HoldAsk, credits: int) -> Hold:
        """Hold so many credits and write down what for, both or neither: nobody could end a hold of no stream.

        Whether the balance covers it is decided here, in one statement, and nowhere before.
        """

        async def write(tx: AsyncConnection, held: Hold) -> None:
            await self._rows.open(tx, ask.session_id, ask.model, held, ask.asked_at)

        return await self._accounts.hold(ask.user_id, credits, reason=self.reason(ask.session_id), also=write)

    def hold_credits(self, ask: HoldAsk) -> int:
        """The price of the estimate."""
        return self._pricing.price(ask.model, ask.tokens)

    async def finalize(self, session_id: UUID, user_id: UUID, ask: EndAsk) -> Streaming:
        """The stream went well."""
        stream = await self.find(session_id, user_id)
        return await self.end(stream, State.FINALIZED, ask, self.final_price(stream, ask))

    async def abort(self, session_id: UUID, user_id: UUID, ask: EndAsk) -> Streaming:
        """The stream was broken off."""
        stream = await self.find(session_id, user_id)
        return await self.end(stream, State.ABORTED, ask, self.delivered_price(stream, ask))

    def final_price(self, stream: Streaming, ask: EndAsk) -> int:
        """What a stream costs that went well."""
        return self._pricing.price(stream.model, ask.tokens)

    def delivered_price(self, stream: Streaming, ask: EndAsk) -> int:
        """What was delivered costs: the hold, which follows the client's own estimate, is no limit. Nothing is free."""
        return self._pricing.price(stream.model, ask.tokens) if ask.tokens else 0

    async def find(self, session_id: UUID, user_id: UUID) -> Streaming:
        """The last stream of a user's session."""
        stream = await self._rows.last(session_id)
        if stream is None or stream.user_id != user_id:
            raise no_session()
        return stream

    async def end(self, stream: Streaming, state: State, ask: EndAsk, price: int) -> Streaming:
        """End the hold, unless it has ended; gives the stream as it is then."""
        if stream.state is State.OPEN:
            with suppress(AlreadyEnded):  # by somebody who asked at the same time: theirs counts
                await self.charge(stream, state, ask, price)
        return await self._rows.last(stream.session_id) or stream

    async def charge(self, stream: Streaming, state: State, ask: EndAsk, price: int) -> None:
        """Settle or release, and write down how it ended, both or neither. Raises AlreadyEnded."""

        async def write(tx: AsyncConnection, settled: Settled) -> None:
            await self._rows.end(tx, stream.number, state, ask.tokens, settled.credits)
            if settled.credits:
                await self._accounts.write_use(tx, self.use(stream, ask, settled))

        reason = self.reason(stream.session_id)
        if price:
            await self._accounts.settle(stream.hold_id, price, reason=reason, also=write)
        else:
            await self._accounts.release(stream.hold_id, reason=reason, also=write)

    def use(self, stream: Streaming, ask: EndAsk, settled: Settled) -> Use:
        """The usage row. Accounting is told one number of tokens, both ways together: all of them stand as output."""
        return Use(
            user_id=stream.user_id,
            hold_id=stream.hold_id,
            model=stream.model,
            provider=PROVIDER,
            input_tokens=0,
            output_tokens=ask.tokens,
            estimated=ask.estimated,
            credits=settled.credits,
        )

    def reason(self, session_id: UUID) -> str:
        """What the ledger's entries say."""
        return f"stream {session_id}"
