"""Defects in what a run costs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import text, update

from harness.backend.accounts import Accounts, InsufficientCredits, User
from harness.backend.flights import Flight
from harness.backend.runs.billing import RunBilling
from harness.backend.runs.errors import RunError
from harness.backend.runs.run import Run
from harness.backend.runs.service import RunService
from harness.backend.store import ENTRIES, ONE_REFUND, Store
from harness.backend.upstream import UpstreamError

from .base import Defect, instead
from .spending import spend


class RunsNoRefund(Defect):
    """The failure is told, and the credit kept."""

    id = "runs-no-refund"
    summary = "a run that failed is not refunded"

    class _Keeps(RunBilling):
        async def refund(self, run: Run, error: str) -> int | None:
            return None

    runs = instead(billing=_Keeps)


class RunsRefundTwice(Defect):
    """Refunded where it failed, and again by whoever handles the error."""

    id = "runs-refund-twice"
    summary = "a run that failed is refunded twice"

    class _Unwatched(Store):
        async def prepare(self) -> None:
            await super().prepare()
            async with self.begin() as tx:
                await tx.execute(text(f"DROP INDEX IF EXISTS {ONE_REFUND.name}"))

    class _Twice(Accounts):
        async def refund(self, hold_id: UUID, amount: int | None = None, **more: Any) -> int:
            back = await super().refund(hold_id, amount, **more)
            settled = update(ENTRIES).where(ENTRIES.c.hold_id == hold_id, ENTRIES.c.kind == "settle")
            async with self._store.begin() as tx:
                await tx.execute(settled.values(open=True))
            return back + await super().refund(hold_id, amount, **more)

    shared = instead(accounts=_Twice, store=_Unwatched)


class RunsRefundOtherAmount(Defect):
    """The refund has a price list of its own."""

    id = "runs-refund-other-amount"
    summary = "a run that failed is refunded one credit more than it was charged"

    class _Generous(Accounts):
        async def refund(
            self,
            hold_id: UUID,
            amount: int | None = None,
            *,
            reason: str = "",
            metadata: Mapping[str, Any] | None = None,
        ) -> int:
            about: dict[str, Any] = {"reason": reason, "metadata": metadata, "hold_id": hold_id}
            started_ns = time.monotonic_ns()
            async with self._store.begin() as tx:
                charged = await self._claim(tx, ENTRIES.c.hold_id == hold_id, "settle")
                back = int(charged.amount) + 1
                about["balance"] = await self._add(tx, charged.user_id, back)
                await self._write(
                    tx, charged.user_id, "refund", amount=back, delta=back, started_ns=started_ns, **about
                )
            return back

    shared = instead(accounts=_Generous)


class RunsRefundWithoutMetadata(Defect):
    """The credit comes back, and nobody can say for what."""

    id = "runs-refund-without-metadata"
    summary = "a refund's entry does not say which run failed, or why"

    class _Mute(RunBilling):
        def metadata(self, run: Run, error: str) -> dict[str, Any]:
            return {}

    runs = instead(billing=_Mute)


class RunsClientGoneCharged(Defect):
    """The handler is cancelled, and with it the refund."""

    id = "runs-client-gone-charged"
    summary = "a client that leaves before the answer has paid for it"

    class _Keeps(RunService):
        async def client_left(self, run: Run) -> None:
            return

    runs = instead(service=_Keeps)


class _ChargesRefusals(RunService):
    """Takes a credit before it looks at what is asked."""

    def blamed(self, told: RunError) -> bool:
        """Whether this refusal comes after the charge."""
        raise NotImplementedError

    async def admit(self, request: web.Request, user: User) -> Run:
        """Charge whoever is refused."""
        try:
            return await super().admit(request, user)
        except RunError as told:
            if self.blamed(told):
                with suppress(InsufficientCredits):
                    await spend(self.accounts, user.id, self.billing.price_credits)
            raise


class RunsChargesBadInput(Defect):
    """Charged first, read afterwards."""

    id = "runs-charges-bad-input"
    summary = "a request with a bad body costs a credit"

    class _Charges(_ChargesRefusals):
        def blamed(self, told: RunError) -> bool:
            return told.status in (400, 413) and not told.message.startswith("Invalid model name")

    runs = instead(service=_Charges)


class RunsChargesUnknownModel(Defect):
    """The model's name is looked at after the charge."""

    id = "runs-charges-unknown-model"
    summary = "a request for a model that does not exist costs a credit"

    class _Charges(_ChargesRefusals):
        def blamed(self, told: RunError) -> bool:
            return told.message.startswith("Invalid model name")

    runs = instead(service=_Charges)


class RunsCreditAfterProvider(Defect):
    """The balance is looked at when the answer is there."""

    id = "runs-credit-after-provider"
    summary = "a run that is refused for lack of credit reaches the provider first"

    class _CallsFirst(RunService):
        async def steps(self, run: Run, flight: Flight) -> None:
            try:
                await super().steps(run, flight)
            except InsufficientCredits:
                with suppress(UpstreamError):
                    await self.generate(run, flight)
                raise

    runs = instead(service=_CallsFirst)


class RunsBalanceWrong(Defect):
    """The balance is read before the charge, and told after it."""

    id = "runs-balance-wrong"
    summary = "credits_remaining is the balance before the charge"

    class _Stale(RunService):
        def credits_remaining(self, run: Run) -> int:
            return super().credits_remaining(run) + self.billing.price_credits

    runs = instead(service=_Stale)
