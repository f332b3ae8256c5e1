"""What a run costs: 1 credit up front, given back when nothing was delivered."""

from __future__ import annotations

from typing import Any

from harness.backend.accounts import Accounts

from .run import Run

REASON = "AI generation failed - refund"


class RunBilling:
    """Charges a run before the provider is called, and refunds it exactly once where it does not complete."""

    price_credits = 1

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def charge(self, run: Run) -> None:
        """Hold the price and settle it at once. Raises InsufficientCredits."""
        reason = f"run {run.id}"
        run.hold = await self._accounts.hold(run.user_id, self.price_credits, reason=reason)
        run.balance = run.hold.balance  # of two runs at once each is told of its own
        run.charge = await self._accounts.settle(run.hold.id, self.price_credits, reason=reason)
        run.hold = None

    async def give_back(self, run: Run, error: str) -> int | None:
        """Undo what ``charge`` did, as far as it came; gives the credits refunded, None where none were charged."""
        if run.charge is not None:
            back = await self.refund(run, error)
            run.charge = None
            return back
        if run.hold is not None:
            await self._accounts.release(run.hold.id, reason=f"run {run.id}")
            run.hold = None
        return None

    async def refund(self, run: Run, error: str) -> int | None:
        """Give back what was charged, in one ledger entry; ``error`` is what the client was told."""
        if run.charge is None:
            return None
        return await self._accounts.refund(run.charge.hold_id, reason=REASON, metadata=self.metadata(run, error))

    def metadata(self, run: Run, error: str) -> dict[str, Any]:
        """What the refund's entry says of the run."""
        return {"model": run.model.asked, "project_id": str(run.project_id), "error": error}
