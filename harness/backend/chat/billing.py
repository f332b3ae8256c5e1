"""What a stream costs its owner, by way of accounting: checked, held, and settled one way or the other."""

from __future__ import annotations

from harness.backend.gateway.tokens import TokenCounter

from .accounting import AccountingClient
from .errors import AccountingFailed, insufficient
from .families import OUTPUT_TOKENS
from .turn import Phase, Turn


class ChatBilling:
    """Every stream that accounting may hold credits for is finalized or aborted, once, here."""

    def __init__(self, accounting: AccountingClient, counter: TokenCounter) -> None:
        self._accounting = accounting
        self._counter = counter

    def estimate(self, turn: Turn) -> int:
        """The client's estimate of the tokens, else ours: characters / 4, and all of the output limit."""
        return turn.ask.estimated_tokens or self._counter.prompt(turn.ask.characters, OUTPUT_TOKENS).total

    async def begin(self, turn: Turn) -> None:
        """Ask whether the stream may begin, then hold its price. Raises ChatError and AccountingFailed."""
        turn.estimated_tokens = self.estimate(turn)
        if not await self._accounting.check(turn):
            raise insufficient()
        await self.hold(turn)

    async def hold(self, turn: Turn) -> None:
        """Hold the price. Where no answer came it may be held all the same."""
        try:
            await self._accounting.initialize(turn)
        except AccountingFailed as failed:
            turn.held = failed.status is None
            raise
        turn.held = True

    async def complete(self, turn: Turn) -> None:
        """Settle a stream that went well, at what it used."""
        turn.phase = Phase.SETTLE
        tokens = self._counter.count(turn.usage, turn.ask.characters, turn.characters)
        turn.tokens = tokens
        turn.credits = await self._accounting.finalize(turn, tokens.total, tokens.input, estimated=tokens.estimated)
        turn.held = False

    async def abort(self, turn: Turn) -> None:
        """Settle a stream that was broken off, at what was delivered; nothing to do where nothing is held."""
        if turn.held:
            await self._accounting.abort(turn, self.delivered_tokens(turn))
            turn.held = False

    def delivered_tokens(self, turn: Turn) -> int:
        """The words that the owner was given, in tokens."""
        return self._counter.delivered(turn.characters).total
