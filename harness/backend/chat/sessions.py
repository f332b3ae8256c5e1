"""Chat sessions: their rows, and which of them is streaming in this process."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from harness.backend.ids import parse_id
from harness.backend.store import CHAT_SESSIONS, Store

from .errors import busy, deleted, no_session
from .turn import Turn


class ChatSessions:
    """Makes, finds and deletes sessions, and lets each have one stream at a time.

    A stream is claimed before it is looked up whether the session was deleted, and a deletion is written before it is
    looked up whether there is a stream: of the two at once at least one sees the other.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._active: dict[UUID, Turn] = {}

    async def create(self, user_id: UUID) -> UUID:
        """A new session of a user's."""
        session_id = self.new_id()
        row = {"id": session_id, "user_id": user_id, "created_at": datetime.now(UTC), "deleted": False}
        async with self._store.begin() as tx:
            await tx.execute(insert(CHAT_SESSIONS), row)
        return session_id

    def new_id(self) -> UUID:
        """An id that no session has."""
        return uuid4()

    async def owned(self, text: str, user_id: UUID) -> UUID:
        """The id of a session of this user's, deleted or not; what is no id never reaches the database."""
        session_id = self.parse(text)
        if session_id is None:
            raise no_session()
        async with self._store.begin() as tx:
            found = await tx.execute(select(CHAT_SESSIONS.c.user_id).where(CHAT_SESSIONS.c.id == session_id))
        if found.scalar_one_or_none() != user_id:
            raise no_session()
        return session_id

    def parse(self, text: str) -> UUID | None:
        """A session's id; None for what is none."""
        return parse_id(text)

    async def begin(self, turn: Turn) -> None:
        """The session streams from here on. Raises ChatError where it does already, or was deleted."""
        with ExitStack() as undoing:
            self.claim(turn)
            undoing.callback(self.end, turn)
            await self.check_alive(turn.session_id)
            turn.begun = True
            undoing.pop_all()

    def claim(self, turn: Turn) -> None:
        """Of any number who try at once, one succeeds."""
        if turn.session_id in self._active:
            raise busy()
        self._active[turn.session_id] = turn

    async def check_alive(self, session_id: UUID) -> None:
        """Refuse a session that was deleted."""
        async with self._store.begin() as tx:
            found = await tx.execute(select(CHAT_SESSIONS.c.deleted).where(CHAT_SESSIONS.c.id == session_id))
        if found.scalar_one():
            raise deleted()

    def end(self, turn: Turn) -> None:
        """The session does not stream any more; nothing to do where it does not stream this."""
        if self._active.get(turn.session_id) is turn:
            del self._active[turn.session_id]
        turn.broadcast.close()

    def end_with(self, turn: Turn, terminal: bytes) -> None:
        """The same, with a last event for those who look on."""
        turn.broadcast.publish(terminal)
        self.end(turn)

    def active(self, text: str) -> Turn | None:
        """What a session is streaming, whoever owns it; None for what is no id too.

        One that was claimed and may still be refused is not streamed yet: who were let in now would see it end in
        nothing.
        """
        session_id = self.parse(text)
        turn = self._active.get(session_id) if session_id is not None else None
        return turn if turn is not None and turn.begun else None

    async def delete(self, session_id: UUID) -> None:
        """Delete a session for good, and end what it is streaming."""
        async with self._store.begin() as tx:
            await tx.execute(update(CHAT_SESSIONS).where(CHAT_SESSIONS.c.id == session_id).values(deleted=True))
        turn = self._active.get(session_id)
        if turn is not None:
            turn.stop(deleted())
