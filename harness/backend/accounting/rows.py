"""Streaming sessions in the store: which hold each has, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounts import Hold
from harness.backend.store import STREAMING_SESSIONS, Store

from .errors import open_already


class State(StrEnum):
    """Where the money of a stream is."""

    OPEN = "open"  # held
    FINALIZED = "finalized"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Streaming:
    """One stream of a session, for accounting. ``tokens`` and ``credits`` are known once it has ended."""

    number: int
    session_id: UUID
    user_id: UUID
    model: str
    hold_id: UUID
    held: int
    state: State
    tokens: int
    credits: int
    began_at: datetime


class StreamingRows:
    """Writes and reads them. A session has one open at a time; the last one is the one that is spoken of."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, tx: AsyncConnection, session_id: UUID, model: str, hold: Hold, began_at: datetime) -> None:
        """A stream begins, in the transaction that places its hold.

        Raises AccountingError where another one of the session has not ended.
        """
        row = {
            "session_id": session_id,
            "user_id": hold.user_id,
            "model": model,
            "hold_id": hold.id,
            "held": hold.credits,
            "state": State.OPEN.value,
            "tokens": 0,
            "credits": 0,
            "began_at": began_at,
        }
        try:
            await tx.execute(insert(STREAMING_SESSIONS), row)
        except IntegrityError:
            raise open_already() from None

    async def last(self, session_id: UUID) -> Streaming | None:
        """The session's last stream, or None where it had none."""
        table = STREAMING_SESSIONS.c
        found = select(STREAMING_SESSIONS).where(table.session_id == session_id).order_by(table.number.desc()).limit(1)
        async with self._store.begin() as tx:
            row = (await tx.execute(found)).one_or_none()
        if row is None:
            return None
        known = row._asdict()
        return Streaming(**{**known, "state": State(known["state"])})

    async def end(self, tx: AsyncConnection, number: int, state: State, tokens: int, credits: int) -> None:
        """A stream has ended, in the transaction that ends its hold."""
        change = update(STREAMING_SESSIONS).where(STREAMING_SESSIONS.c.number == number)
        await tx.execute(change.values(state=state.value, tokens=tokens, credits=credits))
