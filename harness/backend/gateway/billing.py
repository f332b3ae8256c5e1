"""What a call costs its user, from the hold to the usage row."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounts import Accounts, Settled, Use
from harness.backend.outcome import Outcome

from .call import Call, Phase
from .pricing import Pricing
from .tokens import TokenCounter, Tokens


class Billing:
    """Hold, then settle or release: each call's hold ends exactly once, here.

    The hold is the price of the prompt's estimate (``ceil(characters / 4)``) plus the whole output limit. A call that
    completed is charged the price of its tokens. One that broke off, or whose client left, is charged the price of
    the estimate over the words that the client was given (``ceil(characters / 4)`` output tokens, none for the
    prompt); where no words were given the hold is released and nothing is charged. Either way the hold, which follows
    the output limit that the client names, is no limit: settling takes what is left too, and writes down a shortfall.
    """

    def __init__(self, accounts: Accounts, pricing: Pricing, counter: TokenCounter) -> None:
        self._accounts = accounts
        self._pricing = pricing
        self._counter = counter

    async def hold(self, call: Call) -> None:
        """Set the most that the call may cost aside. Raises InsufficientCredits."""
        call.hold = await self._accounts.hold(call.user_id, self.hold_credits(call), reason=f"call {call.record.id}")

    def hold_credits(self, call: Call) -> int:
        """The price of the estimate."""
        tokens = self._counter.prompt(len(call.ask.prompt), call.ask.output_limit)
        return self._pricing.price(call.model.rate, tokens)

    async def complete(self, call: Call) -> Tokens:
        """Charge a completed call; gives the tokens that it was charged for."""
        call.record.phase = Phase.COST
        tokens = self._counter.count(call.usage, len(call.ask.prompt), call.characters)
        await self.settle(call, tokens, self.price(call, tokens))
        return tokens

    def price(self, call: Call, tokens: Tokens) -> int:
        """The price of a completed call."""
        return self._pricing.price(call.model.rate, tokens)

    async def close(self, call: Call) -> None:
        """End the hold of a call that did not complete; nothing to do where it has ended."""
        if call.hold is None:
            return
        if call.record.outcome is Outcome.LEFT:
            await self.client_left(call)
        elif call.ask.stream:
            await self.stream_failed(call)
        else:
            await self.plain_failed(call)

    async def client_left(self, call: Call) -> None:
        """The client left before the end."""
        await self.charge_delivered(call)

    async def stream_failed(self, call: Call) -> None:
        """A streamed call failed, before its first words or after."""
        await self.charge_delivered(call)

    async def plain_failed(self, call: Call) -> None:
        """A call that was to be answered in one piece failed: nothing was delivered."""
        await self.release(call)

    async def charge_delivered(self, call: Call) -> None:
        """Charge the words that the client was given, or release the hold where there were none."""
        if not call.characters or call.hold is None:
            await self.release(call)
            return
        tokens = self._counter.delivered(call.characters)
        await self.settle(call, tokens, self._pricing.price(call.model.rate, tokens))

    async def settle(self, call: Call, tokens: Tokens, price: int) -> None:
        """End the hold with a charge and write the usage row, both or neither."""
        if call.hold is None:
            return
        hold_id = call.hold.id
        call.record.phase = Phase.SETTLE

        async def write_use(tx: AsyncConnection, settled: Settled) -> None:
            call.record.phase = Phase.USAGE
            await self.write_use(tx, call, tokens, settled)

        await self._accounts.settle(hold_id, price, reason=f"call {call.record.id}", also=write_use)
        call.hold = None

    async def release(self, call: Call) -> None:
        """End the hold without a charge."""
        if call.hold is not None:
            await self._accounts.release(call.hold.id, reason=f"call {call.record.id}")
            call.hold = None

    async def write_use(self, tx: AsyncConnection, call: Call, tokens: Tokens, settled: Settled) -> None:
        """Write the usage row."""
        use = Use(
            user_id=settled.user_id,
            hold_id=settled.hold_id,
            model=call.model.name,
            provider=call.model.provider.name,
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            estimated=tokens.estimated,
            credits=settled.credits,
        )
        await self._accounts.write_use(tx, use)
