"""Completed runs in the store."""

from __future__ import annotations

from sqlalchemy import insert

from harness.backend.outcome import Outcome
from harness.backend.store import RUNS, Store

from .run import Run


class RunRows:
    """Writes one row for each completed run."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, run: Run) -> None:
        """Write the row: the run is completed."""
        row = {
            "id": run.id,
            "project_id": run.project_id,
            "model": run.model.asked,
            "mapped_model": run.model.mapped,
            "input": run.input,
            "output": run.output,
            "created_at": run.created_at,
        }
        async with self._store.begin() as tx:
            await tx.execute(insert(RUNS), row)
        run.outcome = Outcome.COMPLETED
