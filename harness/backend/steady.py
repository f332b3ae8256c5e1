"""A connection of which no statement is torn: what was given to the driver is done before its caller is cancelled.

SQLite's driver works in a thread, and cannot be stopped in the middle of a statement: where its caller is cancelled
SQLAlchemy drops the connection, and the transaction on it may go on holding the database's one lock, for which
everybody else then waits. Statements take microseconds there: they are done.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .flights import finish


class SteadyConnection(AsyncConnection):
    """Use with ``async with``: at its end what was not committed is rolled back, and the connection is given back."""

    async def start(self, is_ctxmanager: bool = False) -> AsyncConnection:
        """Take a connection of the pool; one that comes after its caller was cancelled is given back."""
        try:
            return await finish(super().start(is_ctxmanager))
        except asyncio.CancelledError:
            if self.sync_connection is not None:
                await finish(super().close())
            raise

    async def execute(self, *statement: Any, **options: Any) -> Any:
        """The result of a statement, all of it here."""
        return await finish(super().execute(*statement, **options))

    async def commit(self) -> None:
        """Keep what was done."""
        await finish(super().commit())
