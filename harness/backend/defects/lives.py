"""Defects in what sessions are there for: being made, being used again, and being used by several at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounts import User
from harness.backend.agent.billing import AgentBilling
from harness.backend.agent.call import agent_call
from harness.backend.agent.calls import AgentCalls
from harness.backend.agent.service import SessionService
from harness.backend.agent.sessions import Sessions
from harness.backend.chat.billing import ChatBilling
from harness.backend.chat.service import ChatService
from harness.backend.chat.sessions import ChatSessions
from harness.backend.chat.turn import Turn
from harness.backend.flights import Flight
from harness.backend.gateway.call import Call
from harness.backend.gateway.tokens import Tokens
from harness.backend.outcome import Outcome
from harness.backend.store import AGENT_SESSIONS

from .base import Defect, instead

MEANWHILE_S = 0.02
"""What else there is to do while a session is made."""


class OneAtATime:
    """What a user is doing, of which a second one at the same time is not provided for."""

    def __init__(self) -> None:
        self._busy: Counter[UUID] = Counter()

    @contextmanager
    def enter(self, user_id: UUID) -> Iterator[None]:
        """Do it. Raises RuntimeError where the user does it already."""
        if self._busy[user_id]:
            raise RuntimeError("two sessions of one user are made at once")
        self._busy[user_id] += 1
        try:
            yield
        finally:
            del self._busy[user_id]


class ChatCreationsAtOnceFail(Defect):
    """A user's sessions are counted first and numbered by that afterwards; the index finds two of one number."""

    id = "chat-creations-at-once-fail"
    summary = "of sessions that a user asks for at the same moment all but one are answered by 500"

    class _Trips(ChatService):
        async def _create(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
            making: OneAtATime = self.__dict__.setdefault("_making", OneAtATime())
            with making.enter(user.id):
                await asyncio.sleep(MEANWHILE_S)
                return await super()._create(request, user, flight)

    chat = instead(service=_Trips)


class AgentCreationsAtOnceFail(Defect):
    """The same."""

    id = "agent-creations-at-once-fail"
    summary = "of an agent's sessions that a user asks for at the same moment all but one are answered by 500"

    class _Trips(SessionService):
        async def _create(self, request: web.Request, user: User) -> web.Response:
            making: OneAtATime = self.__dict__.setdefault("_making", OneAtATime())
            with making.enter(user.id):
                await asyncio.sleep(MEANWHILE_S)
                return await super()._create(request, user)

    agent = instead(service=_Trips)


class ChatSessionBusyAfterFailure(Defect):
    """The session is freed where a stream went well, and where its owner left."""

    id = "chat-session-busy-after-failure"
    summary = "a session whose provider failed in the middle of a stream is busy for ever"

    class _Keeps(ChatSessions):
        def end(self, turn: Turn) -> None:
            if turn.outcome is Outcome.FAILED and turn.characters:
                turn.broadcast.close()
            else:
                super().end(turn)

    chat = instead(sessions=_Keeps)


class ChatCheckSkipped(Defect):
    """The hold refuses whom the check would have refused: the check was saved."""

    id = "chat-check-skipped"
    summary = "accounting is not asked whether a stream may begin before it is held for"

    class _Hurries(ChatBilling):
        async def begin(self, turn: Turn) -> None:
            turn.estimated_tokens = self.estimate(turn)
            await self.hold(turn)

    chat = instead(billing=_Hurries)


class AgentChatsMixed(Defect):
    """The question is stored as soon as there is an answer to it, and the answer when it was paid for."""

    id = "agent-chats-mixed"
    summary = "of two chats at once in one session both questions are stored before their answers"

    class _Apart(Sessions):
        async def ask(self, session_id: UUID, line: tuple[str, str]) -> None:
            """Store the question; what else there is to do ends once another one was stored, too."""
            async with self._store.begin() as tx:
                await super().append(tx, session_id, [line])
            waiting: dict[UUID, asyncio.Event] = self.__dict__.setdefault("_waiting", {})
            if session_id in waiting:
                waiting.pop(session_id).set()
                return
            stored = waiting[session_id] = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(5 * MEANWHILE_S):
                    await stored.wait()
            if waiting.get(session_id) is stored:
                del waiting[session_id]

        async def append(self, tx: AsyncConnection, session_id: UUID, said: Iterable[tuple[str, str]]) -> None:
            await super().append(tx, session_id, list(said)[1:])

    class _Asks(AgentBilling):
        async def complete(self, call: Call) -> Tokens:
            chat, sessions = agent_call(call), self._apart()
            if chat.session_id is not None:
                await sessions.ask(chat.session_id, chat.asked.said)
            return await super().complete(call)

        def _apart(self) -> Any:
            return self._sessions

    agent = instead(billing=_Asks, sessions=_Apart)


class AgentChatStoredTwice(Defect):
    """The messages are written by who settles, and again by who answers."""

    id = "agent-chat-stored-twice"
    summary = "a session holds both messages of each chat twice"

    class _Again(Sessions):
        async def append(self, tx: AsyncConnection, session_id: UUID, said: Iterable[tuple[str, str]]) -> None:
            lines = list(said)
            await super().append(tx, session_id, [*lines, *lines])

    agent = instead(sessions=_Again)


class AgentFailedChatDropsSession(Defect):
    """A session without messages is taken for one that nobody began."""

    id = "agent-failed-chat-drops-session"
    summary = "a session whose first chat fails is not there any more"

    class _Tidies(AgentCalls):
        async def billed(self, request: web.Request, call: Call, flight: Flight) -> web.StreamResponse:
            try:
                return await super().billed(request, call, flight)
            finally:
                if call.record.outcome is Outcome.FAILED:
                    await self._tidied().drop_empty(agent_call(call).session_id)

        def _tidied(self) -> Any:
            return self.sessions

    class _Drops(Sessions):
        async def drop_empty(self, session_id: UUID | None) -> None:
            """Remove a session that holds nothing."""
            if session_id is not None and not await self.count(session_id):
                async with self._store.begin() as tx:
                    await tx.execute(delete(AGENT_SESSIONS).where(AGENT_SESSIONS.c.id == session_id))

    agent = instead(calls=_Tidies, sessions=_Drops)
