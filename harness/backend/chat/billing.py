"""What a stream costs its owner, by way of accounting: checked, held, and settled one way or the other."""

from __future__ import annotations

from harness.backend.accounting.pricing import StreamPricing
from harness.backend.gateway.tokens import TOKENS_MAX, TokenCounter

from .accounting import AccountingClient
from .errors import AccountingFailed, busy, insufficient
from .families import OUTPUT_TOKENS
from .turn import Phase, Turn

CONFLICT = 409


class ChatBilling:
    """Every stream that accounting may hold credits for is finalized or aborted, once, here."""

    def __init__(self, accounting: AccountingClient, counter: TokenCounter, pricing: StreamPricing) -> None:
        self._accounting = accounting
        self._counter = counter
        self._pricing = pricing

    def estimate(self, turn: Turn) -> int:
        """The client's estimate of the tokens, else ours: characters / 4, and all of the output limit."""
        return turn.ask.estimated_tokens or self._counter.prompt(turn.ask.characters, OUTPUT_TOKENS).total

    async def begin(self, turn: Turn) -> None:
        """Ask whether the stream may begin, then hold its price. Raises ChatError and AccountingFailed."""
        turn.estimated_tokens = self.estimate(turn)
        credit = await self._accounting.check(turn)
        if not credit.allowed:
            raise insufficient()
        turn.balance = credit.balance
        await self.hold(turn)

    async def hold(self, turn: Turn) -> None:
        """Hold the price. Raises ChatError and AccountingFailed.

        Unless accounting refused to, it may be held whatever went wrong on the way back.
        """
        try:
            await self._accounting.initialize(turn)
        except AccountingFailed as failed:
            turn.held = not failed.refused
            if failed.status == CONFLICT:  # another process streams in this session
                raise busy() from failed
            raise
        turn.held = True

    async def complete(self, turn: Turn) -> None:
        """Settle a stream that went well, at what it used."""
        turn.phase = Phase.SETTLE
        turn.tokens = self._counter.count(turn.usage, turn.ask.characters, turn.characters)
        await self.finalize(turn, min(turn.tokens.total, TOKENS_MAX))

    async def finalize(self, turn: Turn, tokens: int) -> None:
        """Settle at so many tokens."""
        told = await self._accounting.finalize(turn, tokens)
        turn.credits = self.cost(turn, tokens) if told is None else told
        turn.held = False

    async def abort(self, turn: Turn) -> None:
        """Settle a stream that was broken off, at what was delivered; nothing to do where nothing is held."""
        if turn.held:
            tokens = self.delivered_tokens(turn)
            told = await self._accounting.abort(turn, tokens)
            turn.credits = self.cost(turn, tokens) if told is None else told
            turn.held = False

    def cost(self, turn: Turn, tokens: int) -> int:
        """What so many tokens cost by the price list, at most what there was: where accounting does not say."""
        price = self._pricing.price(turn.ask.model, tokens) if tokens else 0
        return price if turn.balance is None else min(price, turn.balance)

    def delivered_tokens(self, turn: Turn) -> int:
        """The words that the owner was given, in tokens."""
        return min(self._counter.delivered(turn.characters).total, TOKENS_MAX)
