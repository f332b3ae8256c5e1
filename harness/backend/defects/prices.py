"""Defects in counting tokens and pricing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import floor, isnan
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounting.request import AccountingValidator
from harness.backend.accounts import Settled
from harness.backend.agent.billing import AgentBilling
from harness.backend.chat.billing import ChatBilling
from harness.backend.chat.turn import Phase, Turn
from harness.backend.gateway.billing import Billing
from harness.backend.gateway.call import Call
from harness.backend.gateway.tokens import TokenCounter, Tokens

from .base import Defect, instead, over


class TrustsUsage(Defect):
    """What the provider says is taken as it is, as far as the database takes it."""

    id = "trusts-usage"
    summary = "an absurd usage of the provider's is charged and written down"

    class _Trusts(TokenCounter):
        most = 10**15

        def sane(self, usage: object, completion_characters: int) -> Tokens | None:
            checked = super().sane(usage, completion_characters)
            if checked is not None or not isinstance(usage, Mapping):
                return checked
            given, made = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if not isinstance(given, int | float) or not isinstance(made, int | float) or isnan(given + made):
                return None
            return Tokens(self._clamped(given), self._clamped(made), estimated=True)

        def _clamped(self, value: float) -> int:
            return int(max(-self.most, min(self.most, value)))

    class _Bills(ChatBilling):
        async def complete(self, turn: Turn) -> None:
            turn.phase = Phase.SETTLE
            turn.tokens = TrustsUsage._Trusts().count(turn.usage, turn.ask.characters, turn.characters)
            await self.finalize(turn, max(0, turn.tokens.total))

    class _Takes(AccountingValidator):
        def tokens(self, body: dict[str, Any], name: str, least: int = 0) -> int:
            found = body.get(name)
            return found if isinstance(found, int) and name == "actualTokens" else super().tokens(body, name, least)

    gateway = instead(counter=_Trusts)
    agent = instead(counter=_Trusts)
    chat = instead(billing=_Bills, accounting_validator=_Takes)


class ZeroTokensFree(Defect):
    """Not a number counts for nothing, and nothing costs nothing."""

    id = "zero-tokens-free"
    summary = "a usage of zero, or none that is a number, makes a call free"

    class _Counts(TokenCounter):
        def count(self, usage: object, prompt_characters: int, completion_characters: int) -> Tokens:
            tokens = super().count(usage, prompt_characters, completion_characters)
            return replace(tokens, input=0, output=0) if tokens.estimated and usage is not None else tokens

    class _Gives(Billing):
        def price(self, call: Call, tokens: Tokens) -> int:
            return super().price(call, tokens) if tokens.total else 0

    gateway = instead(counter=_Counts, billing=_Gives)


class EstimateUnmarked(Defect):
    """An estimate passes for a count."""

    id = "estimate-unmarked"
    summary = "a usage row of an estimate is not marked as one"

    class _Counts(TokenCounter):
        def estimate(self, prompt_characters: int, completion_characters: int) -> Tokens:
            return replace(super().estimate(prompt_characters, completion_characters), estimated=False)

    gateway = instead(counter=_Counts)
    agent = instead(counter=_Counts)


class PriceRoundsDown(Defect):
    """A part of a credit is forgotten."""

    id = "price-rounds-down"
    summary = "the price of a completed call is rounded down"

    class _Rounds(Billing):
        def price(self, call: Call, tokens: Tokens) -> int:
            return max(1, floor(call.model.rate.exact(tokens)))

    gateway = instead(billing=_Rounds)
    agent = instead(billing=over(_Rounds, AgentBilling))


class FreeCompletion(Defect):
    """What costs less than a credit costs nothing."""

    id = "free-completion"
    summary = "a completed call that costs less than a credit is free"

    class _Gives(Billing):
        def price(self, call: Call, tokens: Tokens) -> int:
            return super().price(call, tokens) if call.model.rate.exact(tokens) >= 1 else 0

    gateway = instead(billing=_Gives)


class TruncatedBilledByEstimate(Defect):
    """There is no usage, so there is an estimate: it is made over whatever came before the stream broke off."""

    id = "truncated-billed-by-estimate"
    summary = "a stream that failed is charged the estimate of a completed call, prompt and all, over what came of it"

    class _Estimates(Billing):
        async def stream_failed(self, call: Call) -> None:
            tokens = self._counter.estimate(len(call.ask.prompt), call.characters)
            await self.settle(call, tokens, self.price(call, tokens))

    gateway = instead(billing=_Estimates)


class NoUsageRow(Defect):
    """The credits are gone, and nothing says for what."""

    id = "no-usage-row"
    summary = "a charged call has no usage row"

    class _Forgets(Billing):
        async def write_use(self, tx: AsyncConnection, call: Call, tokens: Tokens, settled: Settled) -> None:
            return

    class _Chats(AgentBilling, _Forgets):
        """The agent's billing before the wrong one: what was said is stored all the same."""

    gateway = instead(billing=_Forgets)
    agent = instead(billing=_Chats)
