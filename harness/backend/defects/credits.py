"""Defects in holding and settling credits."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounting.ledger import StreamLedger
from harness.backend.accounting.request import HoldAsk
from harness.backend.accounts import CREDITS_MAX, Accounts, Hold, InsufficientCredits, Settled
from harness.backend.agent.billing import AgentBilling
from harness.backend.chat.billing import ChatBilling
from harness.backend.chat.turn import Turn
from harness.backend.gateway.billing import Billing
from harness.backend.gateway.call import Call
from harness.backend.gateway.tokens import Tokens
from harness.backend.outcome import Outcome
from harness.backend.runs.billing import RunBilling
from harness.backend.runs.run import Run
from harness.backend.store import ENTRIES, NOT_NEGATIVE, ONE_END, USERS, Store

from .base import Defect, instead, over

LARGE_BALANCE_CREDITS = 1000


class Unguarded(Store):
    """A database that was not told of the ledger's promises: where a part is wrong, it does not notice either."""

    pragmas = (*Store.pragmas, "PRAGMA ignore_check_constraints=ON")

    async def prepare(self) -> None:
        """Without the index that allows a hold one end; a constraint is dropped where it cannot be ignored."""
        await super().prepare()
        async with self.begin_alone() as tx:
            await tx.execute(text(f"DROP INDEX IF EXISTS {ONE_END.name}"))
            if tx.dialect.name == "postgresql":
                await tx.execute(text(f"ALTER TABLE {USERS.name} DROP CONSTRAINT IF EXISTS {NOT_NEGATIVE.name}"))


class RacyHold(Defect):
    """The balance is read, something else is waited for, and then it is written."""

    id = "racy-hold"
    summary = "two calls at once can spend one balance"

    class _Races(Accounts):
        window_s = 0.05  # what lies between looking and taking, say a look into a cache

        async def hold(self, user_id: UUID, amount: int, *known: Any, **more: Any) -> Hold:
            async with self._store.begin() as tx:
                seen = await self._balance(tx, user_id)
            if seen < amount:
                raise InsufficientCredits(amount, seen)
            await asyncio.sleep(self.window_s)
            return await super().hold(user_id, amount, *known, **more)

        async def _take(self, tx: AsyncConnection, user_id: UUID, amount: int) -> int:
            return await self._add(tx, user_id, -amount)

    shared = instead(accounts=_Races, store=Unguarded)


class CreditNotChecked(Defect):
    """Whoever has too little pays what is there."""

    id = "credit-not-checked"
    summary = "a call is made although the balance is below the hold"

    class _Trusts(Accounts):
        async def hold(self, user_id: UUID, amount: int, *known: Any, **more: Any) -> Hold:
            try:
                return await super().hold(user_id, amount, *known, **more)
            except InsufficientCredits as short:
                return await super().hold(user_id, short.balance, *known, **more)

    shared = instead(accounts=_Trusts)


class CreditsAsFloats(Defect):
    """Numbers go through a type that has 53 bits for them."""

    id = "credits-as-floats"
    summary = "large balances are rounded"

    class _Rounds(Accounts):
        async def _add(self, tx: AsyncConnection, user_id: UUID, amount: int) -> int:
            rounded = min(int(float(await super()._add(tx, user_id, amount))), CREDITS_MAX)
            await tx.execute(update(USERS).where(USERS.c.id == user_id).values(balance=rounded))
            return rounded

    shared = instead(accounts=_Rounds)


class NegativeBalance(Defect):
    """The whole price is charged, whatever is left."""

    id = "negative-balance"
    summary = "settling may push a balance below zero"

    class _Charges(Accounts):
        async def _chargeable(self, tx: AsyncConnection, user_id: UUID, price: int, held: int) -> int:
            return price

    shared = instead(accounts=_Charges, store=Unguarded)


class ShortfallForgotten(Defect):
    """What could not be charged is not written down."""

    id = "shortfall-forgotten"
    summary = "a settlement that fell short of the price does not say by how much"

    class _Forgets(Accounts):
        async def _write(self, *known: Any, **fields: Any) -> UUID:
            return await super()._write(*known, **{**fields, "shortfall": 0})

    shared = instead(accounts=_Forgets)


class BalanceDrifts(Defect):
    """A bonus for large balances is paid by someone who writes no entry."""

    id = "balance-drifts"
    summary = "the balance is not what the entries add up to"

    class _Drifts(Accounts):
        async def settle(self, hold_id: UUID, price: int, **more: Any) -> Settled:
            settled = await super().settle(hold_id, price, **more)
            if settled.balance >= LARGE_BALANCE_CREDITS:  # a bonus on a small one might pay for one more call
                async with self._store.begin() as tx:
                    await self._add(tx, settled.user_id, 1)
            return settled

    shared = instead(accounts=_Drifts)


class DoubleSettle(Defect):
    """Settled by the call, then released by whoever comes late."""

    id = "double-settle"
    summary = "a hold that was settled is released as well"

    class _Twice(Accounts):
        async def settle(self, hold_id: UUID, price: int, **more: Any) -> Settled:
            settled = await super().settle(hold_id, price, **more)
            async with self._store.begin() as tx:
                await tx.execute(update(ENTRIES).where(ENTRIES.c.id == hold_id).values(open=True))
            await self.release(hold_id)
            return settled

    shared = instead(accounts=_Twice, store=Unguarded)


class HoldTooSmall(Defect):
    """The balance is checked for all of it, and a part is set aside."""

    id = "hold-too-small"
    summary = "the hold of a streamed call leaves the output limit out"

    class _InPart(Accounts):
        async def hold_part(self, user_id: UUID, whole: int, part: int) -> Hold:
            started_ns = time.monotonic_ns()
            async with self._store.begin() as tx:
                await self._take(tx, user_id, whole)
                balance = await self._add(tx, user_id, whole - part)
                hold_id = await self._write_hold(tx, user_id, part, balance, "", started_ns)
            return Hold(hold_id, user_id, part, balance)

    class _Holds(Billing):
        async def hold(self, call: Call) -> None:
            if not call.ask.stream:
                await super().hold(call)
                return
            prompt = self._pricing.price(call.model.rate, self._counter.prompt(len(call.ask.prompt), 0))
            accounts = cast("HoldTooSmall._InPart", self._accounts)
            call.hold = await accounts.hold_part(call.user_id, self.hold_credits(call), prompt)

    shared = instead(accounts=_InPart)
    touches = ("gateway", "agent")
    gateway = instead(billing=_Holds)
    agent = instead(billing=over(_Holds, AgentBilling))


class HeldTwice(Defect):
    """The hold of a stream is renewed before the provider is asked, so that it is fresh."""

    id = "held-twice"
    summary = "a call is held for, and then again: a streamed chat, a stream of a session, a run"

    class _Renews(Billing):
        async def hold(self, call: Call) -> None:
            await super().hold(call)
            if call.ask.stream:  # plain calls race for balances that pay for few of them: who wins is not this defect's
                await self.release(call)
                await super().hold(call)

    class _Again(RunBilling):
        async def charge(self, run: Run) -> None:
            await super().charge(run)
            if run.balance >= LARGE_BALANCE_CREDITS:  # a small one may be what another run waits for
                await self._accounts.release((await self._accounts.hold(run.user_id, self.price_credits)).id)

    class _AgainChat(StreamLedger):
        async def place(self, ask: HoldAsk, credits: int) -> Hold:
            held = await super().place(ask, credits)
            if held.balance >= LARGE_BALANCE_CREDITS:
                await self._accounts.release((await self._accounts.hold(ask.user_id, credits)).id)
            return held

    gateway = instead(billing=_Renews)
    agent = instead(billing=over(_Renews, AgentBilling))
    chat = instead(stream_ledger=_AgainChat)
    runs = instead(billing=_Again)


class HoldNeverReleased(Defect):
    """Only settling is thought of."""

    id = "hold-never-released"
    summary = "the hold of a call that failed and delivered nothing stays open"

    class _Forgets(Billing):
        async def release(self, call: Call) -> None:
            call.hold = None

    gateway = instead(billing=_Forgets)


class HoldKeptWhenClientLeaves(Defect):
    """The handler is cancelled, and with it the clean-up."""

    id = "hold-kept-when-client-leaves"
    summary = "the hold stays open when the client leaves before the first words"

    class _Forgets(Billing):
        async def client_left(self, call: Call) -> None:
            if call.characters:
                await super().client_left(call)

    gateway = instead(billing=_Forgets)


class LeftUnansweredCharged(Defect):
    """The work had begun."""

    id = "left-unanswered-charged"
    summary = "a client that leaves before the first words pays a credit"

    class _Charges(Billing):
        async def client_left(self, call: Call) -> None:
            if not call.characters:
                await self.settle(call, Tokens(0, 0, estimated=True), 1)
            await super().client_left(call)

    class _ChargesStreams(ChatBilling):
        def delivered_tokens(self, turn: Turn) -> int:
            return super().delivered_tokens(turn) or int(turn.outcome is Outcome.LEFT)

    gateway = instead(billing=_Charges)
    agent = instead(billing=over(_Charges, AgentBilling))
    chat = instead(billing=_ChargesStreams)


class LeftBilledInFull(Defect):
    """Who leaves pays for what was set aside."""

    id = "left-billed-in-full"
    summary = "a client that leaves in the middle of a stream is charged the whole hold"

    class _Charges(Billing):
        async def client_left(self, call: Call) -> None:
            if call.hold is not None and call.characters:
                await self.settle(call, self._counter.delivered(call.characters), call.hold.credits)
            await super().client_left(call)

    gateway = instead(billing=_Charges)


class DeliveredCappedByHold(Defect):
    """What was set aside is the most that can be taken."""

    id = "delivered-capped-by-hold"
    summary = "a stream that broke off costs at most what the client's own output limit would"

    class _Caps(Billing):
        async def charge_delivered(self, call: Call) -> None:
            if call.hold is None or not call.characters:
                await super().charge_delivered(call)
                return
            tokens = self._counter.delivered(call.characters)
            await self.settle(call, tokens, min(self.price(call, tokens), call.hold.credits))

    gateway = instead(billing=_Caps)


class FailedBilledInFull(Defect):
    """A stream that broke off costs what was set aside."""

    id = "failed-billed-in-full"
    summary = "a stream that failed is charged the whole hold"

    class _Charges(Billing):
        async def stream_failed(self, call: Call) -> None:
            if call.hold is not None:
                await self.settle(call, self._counter.delivered(call.characters), call.hold.credits)

    gateway = instead(billing=_Charges)
    agent = instead(billing=over(_Charges, AgentBilling))


class FailedPlainCharged(Defect):
    """A plain call is charged as soon as it is made."""

    id = "failed-plain-charged"
    summary = "a plain call that failed is charged the whole hold"

    class _Charges(Billing):
        async def plain_failed(self, call: Call) -> None:
            if call.hold is not None:
                await self.settle(call, Tokens(0, 0, estimated=True), call.hold.credits)

    gateway = instead(billing=_Charges)
