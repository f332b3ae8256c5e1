"""Defects in the life of chat sessions."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from aiohttp import web
from sqlalchemy import select

from harness.backend.accounts import User
from harness.backend.chat.accounting import AccountingClient
from harness.backend.chat.errors import AccountingFailed, ChatError, ChatErrors, busy, no_session
from harness.backend.chat.service import ChatService
from harness.backend.chat.sessions import ChatSessions
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Turn
from harness.backend.chat.wire import Outlet
from harness.backend.flights import Flight
from harness.backend.ids import parse_id
from harness.backend.outcome import Outcome
from harness.backend.store import CHAT_SESSIONS

from .base import Defect, instead


class ChatSessionStaysBusy(Defect):
    """A session is freed by whoever tells the owner how the stream ended."""

    id = "chat-session-stays-busy"
    summary = "a session whose owner left its stream is busy for ever"

    class _Keeps(ChatSessions):
        def end(self, turn: Turn) -> None:
            if turn.outcome is Outcome.LEFT:
                turn.broadcast.close()
            else:
                super().end(turn)

    chat = instead(sessions=_Keeps)


class _NotBusy(Streams):
    """That accounting has a stream of the session's already is a failure of accounting's, and not of being busy."""

    async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
        return await super().failed(
            turn, error.__cause__ if isinstance(error.__cause__, AccountingFailed) else error, out
        )


class ChatTwoStreams(Defect):
    """Nobody looks whether the session streams already."""

    id = "chat-two-streams"
    summary = "a session that streams takes another message"

    class _Allows(ChatSessions):
        def claim(self, turn: Turn) -> None:
            self._active.setdefault(turn.session_id, turn)

    chat = instead(sessions=_Allows, streams=_NotBusy)


class ChatClaimsLate(Defect):
    """It is looked first whether the session streams, and written down that it does once its owner may pay."""

    id = "chat-claims-late"
    summary = "two messages at once to one session both stream: which is busy only once accounting was asked"

    class _Looks(ChatSessions):
        def claim(self, turn: Turn) -> None:
            if turn.session_id in self._active:
                raise busy()

        def take(self, turn: Turn) -> None:
            self._active[turn.session_id] = turn

    class _Takes(_NotBusy):
        async def generate(self, turn: Turn, out: Outlet) -> None:
            sessions: Any = self.sessions
            sessions.take(turn)
            await super().generate(turn, out)

    chat = instead(sessions=_Looks, streams=_Takes)


class ChatDeletedStreams(Defect):
    """A deleted session is only left out of lists."""

    id = "chat-deleted-streams"
    summary = "a session that was deleted streams on request"

    class _Forgets(ChatSessions):
        async def check_alive(self, session_id: UUID) -> None:
            return

    chat = instead(sessions=_Forgets)


class ChatDeleteTwice404(Defect):
    """The second request finds nothing to delete, and says so."""

    id = "chat-delete-twice-404"
    summary = "deleting a session again is answered by 404"

    class _Looks(ChatSessions):
        async def delete(self, session_id: UUID) -> None:
            async with self._store.begin() as tx:
                found = await tx.execute(select(CHAT_SESSIONS.c.deleted).where(CHAT_SESSIONS.c.id == session_id))
            if found.scalar_one():
                raise no_session()
            await super().delete(session_id)

    chat = instead(sessions=_Looks)


class ChatDeleteLeavesStream(Defect):
    """The row is deleted; nobody tells the stream."""

    id = "chat-delete-leaves-stream"
    summary = "a session that is deleted streams to its end"

    class _Deaf(ChatSessions):
        async def delete(self, session_id: UUID) -> None:
            turn = self._active.pop(session_id, None)
            await super().delete(session_id)
            if turn is not None:
                self._active[session_id] = turn

    chat = instead(sessions=_Deaf)


class ChatForeignSession(Defect):
    """Who knows a session's id may use it."""

    id = "chat-foreign-session"
    summary = "another user's session can be streamed and deleted"

    class _Shares(ChatSessions):
        async def owned(self, text: str, user_id: UUID) -> UUID:
            session_id = self.parse(text)
            if session_id is None:
                raise no_session()
            async with self._store.begin() as tx:
                found = await tx.execute(select(CHAT_SESSIONS.c.user_id).where(CHAT_SESSIONS.c.id == session_id))
            if found.scalar_one_or_none() is None:
                raise no_session()
            return session_id

    chat = instead(sessions=_Shares)


class ChatJunkId500(Defect):
    """Any text is taken for an id."""

    id = "chat-junk-id-500"
    summary = "a session id that is no UUID is answered by 500"

    class _Trusts(ChatSessions):
        def parse(self, text: str) -> UUID | None:
            return UUID(text)

    chat = instead(sessions=_Trusts)


class ChatRefusalCodeGeneric(Defect):
    """One code for all refusals of sessions."""

    id = "chat-refusal-code-generic"
    summary = "whatever a session refuses, the code is SESSION_ERROR"

    class _Flattens(ChatErrors):
        def told(self, error: Exception, model: str = "") -> ChatError:
            told = super().told(error, model)
            if told.code and told.code.startswith("SESSION_"):
                told.code = "SESSION_ERROR"
            return told

    chat = instead(errors=_Flattens)


class ChatSessionIdNotUuid(Defect):
    """A digest is laid out as a UUID, without a version and a variant in it."""

    id = "chat-session-id-not-uuid"
    summary = "a session's id is a digest that looks like a UUID"

    class _Knows(ChatSessions):
        def parse(self, text: str) -> UUID | None:
            return self.digests().get(text) or parse_id(text)

        def digests(self) -> dict[str, UUID]:
            known: dict[str, UUID] = self.__dict__.setdefault("_digests", {})
            return known

        def shown(self, session_id: UUID) -> str:
            digest = hashlib.md5(session_id.bytes, usedforsecurity=False).hexdigest()
            text = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-0{digest[17:20]}-{digest[20:]}"
            self.digests()[text] = session_id
            return text

    class _Shows(ChatService):
        def shown(self, session_id: UUID) -> str:
            sessions: Any = self.sessions
            return str(sessions.shown(session_id))

    chat = instead(sessions=_Knows, service=_Shows)


class ChatSessionIdTranslated(Defect):
    """Each service has its own names for things."""

    id = "chat-session-id-translated"
    summary = "accounting is told another id than the session has"

    class _Renames(AccountingClient):
        def hold_body(self, turn: Turn) -> dict[str, Any]:
            return {**super().hold_body(turn), "sessionId": str(self.renamed(turn.session_id))}

        def path(self, session_id: UUID, step: str) -> str:
            return super().path(self.renamed(session_id), step)

        def renamed(self, session_id: UUID) -> UUID:
            return uuid5(NAMESPACE_URL, str(session_id))

    chat = instead(accounting=_Renames)


class ChatSessionIdReused(Defect):
    """The session that was made last is kept with its user, and read again when the answer is written."""

    id = "chat-session-id-reused"
    summary = "of two sessions that a user makes at once both get the same id"

    class _Shares(ChatService):
        meanwhile_s = 0.02  # what else is done before the answer is written

        async def _create(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
            last: dict[UUID, UUID] = self.__dict__.setdefault("_last", {})
            last[user.id] = await self.sessions.create(user.id)
            await asyncio.sleep(self.meanwhile_s)
            return web.json_response({"sessionId": self.shown(last[user.id])}, status=201)

    chat = instead(service=_Shares)


class ChatRoleUnchecked(Defect):
    """Whoever is logged in may look on."""

    id = "chat-role-unchecked"
    summary = "somebody who is no supervisor may observe"

    class _Admits(ChatService):
        def admit_observer(self, request: web.Request) -> None:
            return

    chat = instead(service=_Admits)
