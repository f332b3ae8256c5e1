"""A user's account as the probe shows it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .store import ENTRIES, PLANS, PROJECTS, RUNS, USAGE, USERS, Store


class Statements:
    """Reads balance, entries, usage rows and records, oldest first, all as they were at one moment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, user_id: UUID) -> dict[str, Any] | None:
        """``{"user_id", "balance", "entries", "usage", "records"}``, or None where there is no such user."""
        async with self._store.begin_snapshot() as tx:
            user = await tx.execute(select(USERS.c.balance).where(USERS.c.id == user_id))
            balance = user.scalar_one_or_none()
            if balance is None:
                return None
            entries = await tx.execute(select(ENTRIES).where(ENTRIES.c.user_id == user_id).order_by(ENTRIES.c.number))
            usage = await tx.execute(select(USAGE).where(USAGE.c.user_id == user_id).order_by(USAGE.c.number))
            return {
                "user_id": str(user_id),
                "balance": balance,
                "entries": [self.entry(row) for row in entries],
                "usage": [self.use(row) for row in usage],
                "records": await self.records(tx, user_id),
            }

    async def records(self, tx: AsyncConnection, user_id: UUID) -> dict[str, list[str]]:
        """The ids of a user's runs and plans."""
        theirs = PROJECTS.c.user_id == user_id
        runs = select(RUNS.c.id).join(PROJECTS, RUNS.c.project_id == PROJECTS.c.id).where(theirs)
        plans = select(PLANS.c.id).where(PLANS.c.user_id == user_id)
        kinds = {"runs": runs.order_by(RUNS.c.created_at), "plans": plans.order_by(PLANS.c.created_at)}
        return {kind: [str(one) for one in (await tx.execute(found)).scalars()] for kind, found in kinds.items()}

    def entry(self, row: Row[Any]) -> dict[str, Any]:
        """A ledger entry."""
        return {
            "id": self.row_id(row),
            "kind": row.kind,
            "amount": row.amount,
            "delta": row.delta,
            "balance": row.balance,
            "hold_id": _text(row.hold_id),
            "shortfall": row.shortfall,
            "reason": row.reason,
            "metadata": row.metadata,
            "started_ns": row.started_ns,
            "ended_ns": row.ended_ns,
        }

    def use(self, row: Row[Any]) -> dict[str, Any]:
        """A usage row."""
        return {
            "id": self.row_id(row),
            "hold_id": _text(row.hold_id),
            "model": row.model,
            "provider": row.provider,
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "estimated": row.estimated,
            "credits": row.credits,
        }

    def row_id(self, row: Row[Any]) -> str:
        """The id of an entry or usage row."""
        return str(row.id)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
