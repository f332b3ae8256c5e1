"""Credits that a defect takes: whole, so that it breaks what it is meant to and leaves no hold behind."""

from __future__ import annotations

from uuid import UUID

from harness.backend.accounts import Accounts
from harness.backend.flights import finish


async def spend(accounts: Accounts, user_id: UUID, credits: int) -> None:
    """Hold credits of a user's and settle them, done even where the client leaves between. Raises what `hold` does."""
    await finish(_spend(accounts, user_id, credits))


async def _spend(accounts: Accounts, user_id: UUID, credits: int) -> None:
    hold = await accounts.hold(user_id, credits)
    await accounts.settle(hold.id, credits)
