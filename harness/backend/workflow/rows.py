"""Completed plans in the store."""

from __future__ import annotations

import json

from sqlalchemy import insert

from harness.backend.outcome import Outcome
from harness.backend.store import PLANS, Store

from .plan import Plan


class PlanRows:
    """Writes one row for each completed plan."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, plan: Plan) -> None:
        """Write the row: the plan is completed."""
        row = {
            "id": plan.id,
            "user_id": plan.user_id,
            "session_id": plan.session_id,
            "request": plan.text,
            "programme": json.dumps(plan.programme),
            "created_at": plan.created_at,
        }
        async with self._store.begin() as tx:
            await tx.execute(insert(PLANS), row)
        plan.outcome = Outcome.COMPLETED
