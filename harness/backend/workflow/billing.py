"""What a plan costs: 5 credits up front, given back when no plan was delivered."""

from __future__ import annotations

from typing import Any

from harness.backend.accounts import Accounts

from .plan import Plan

REASON = "Plan generation failed - refund"


class PlanBilling:
    """Charges a plan before the provider is called, and refunds it exactly once where it does not complete."""

    price_credits = 5

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def charge(self, plan: Plan) -> None:
        """Hold the price and settle it at once. Raises InsufficientCredits."""
        reason = f"plan {plan.id}"
        plan.hold = await self._accounts.hold(plan.user_id, self.price_credits, reason=reason)
        plan.charge = await self._accounts.settle(plan.hold.id, self.price_credits, reason=reason)
        plan.hold = None

    async def give_back(self, plan: Plan, error: str) -> int | None:
        """Undo what ``charge`` did, as far as it came; gives the credits refunded, None where none were charged."""
        if plan.charge is not None:
            back = await self.refund(plan, error)
            plan.charge = None
            return back
        if plan.hold is not None:
            await self._accounts.release(plan.hold.id, reason=f"plan {plan.id}")
            plan.hold = None
        return None

    async def refund(self, plan: Plan, error: str) -> int | None:
        """Give back what was charged, in one ledger entry; ``error`` is what the client was told."""
        if plan.charge is None:
            return None
        about: dict[str, Any] = {"plan_id": str(plan.id), "error": error}
        return await self._accounts.refund(plan.charge.hold_id, reason=REASON, metadata=about)
