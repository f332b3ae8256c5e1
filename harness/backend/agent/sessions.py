"""Sessions and their messages, as they are stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.store import AGENT_MESSAGES, AGENT_SESSIONS, Store


@dataclass(frozen=True, slots=True)
class Session:
    """A session. ``user_id`` is what its maker called its user; where nothing was said, the session's own id."""

    id: UUID
    owner_id: UUID
    user_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said."""

    id: UUID
    role: str
    content: str
    created_at: datetime


class Sessions:
    """Keeps sessions and messages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, session_id: UUID, owner_id: UUID, user_id: str | None) -> Session:
        """A new session, or the one that somebody made of this id at the same moment."""
        session = Session(session_id, owner_id, user_id or self.stand_in(session_id), datetime.now(UTC))
        row = {"id": session.id, "owner_id": owner_id, "user_id": session.user_id, "created_at": session.created_at}
        try:
            async with self._store.begin() as tx:
                await tx.execute(insert(AGENT_SESSIONS), row)
        except IntegrityError:
            found = await self.find(session_id)
            if found is None:
                raise
            return found
        return session

    def stand_in(self, session_id: UUID) -> str:
        """The user's id where none was given."""
        return str(session_id)

    async def find(self, session_id: UUID) -> Session | None:
        """The session of that id, or None."""
        async with self._store.begin() as tx:
            rows = await tx.execute(select(AGENT_SESSIONS).where(AGENT_SESSIONS.c.id == session_id))
            row = rows.one_or_none()
        return None if row is None else Session(row.id, row.owner_id, row.user_id, row.created_at)

    async def count(self, session_id: UUID) -> int:
        """How many messages a session holds."""
        counted = select(func.count(AGENT_MESSAGES.c.number)).where(AGENT_MESSAGES.c.session_id == session_id)
        async with self._store.begin() as tx:
            return int((await tx.execute(counted)).scalar_one())

    async def messages(self, session_id: UUID) -> list[Message]:
        """The messages of a session, oldest first."""
        wanted = select(AGENT_MESSAGES).where(AGENT_MESSAGES.c.session_id == session_id)
        async with self._store.begin() as tx:
            rows = (await tx.execute(wanted.order_by(AGENT_MESSAGES.c.number))).all()
        return [Message(row.id, row.role, row.content, row.created_at) for row in rows]

    async def append(self, tx: AsyncConnection, session_id: UUID, said: Iterable[tuple[str, str]]) -> None:
        """Store messages, each a role and a text, in a transaction that is under way."""
        now = datetime.now(UTC)
        for role, content in said:
            row = {"id": uuid4(), "session_id": session_id, "role": role, "content": kept(content), "created_at": now}
            await tx.execute(insert(AGENT_MESSAGES), row)


def kept(text: str) -> str:
    """A text as every database keeps it: U+FFFD for NUL and for half of a surrogate pair; two halves are joined."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
