"""Defects in looking on at a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import ClassVar
from uuid import UUID
from weakref import WeakKeyDictionary

from harness.backend.bodies import ClientGone
from harness.backend.chat.broadcast import Broadcast
from harness.backend.chat.errors import cancelled
from harness.backend.chat.families import Piece
from harness.backend.chat.service import ChatService
from harness.backend.chat.sessions import ChatSessions
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Turn
from harness.backend.chat.wire import Outlet
from harness.backend.outcome import Outcome

from .base import Defect, instead


class _Late(ChatSessions):
    """Sessions that are seen only after a time."""

    late_s = 2.0

    def claim(self, turn: Turn) -> None:
        super().claim(turn)
        self.begun()[turn.session_id] = time.monotonic()

    def active(self, text: str) -> Turn | None:
        turn = super().active(text)
        if turn is None or time.monotonic() - self.begun()[turn.session_id] < self.late_s:
            return None
        return turn

    def begun(self) -> dict[UUID, float]:
        """When each stream began."""
        known: dict[UUID, float] = self.__dict__.setdefault("_begun", {})
        return known


class ChatVisibleLate(Defect):
    """Streams are written into a cache that observers read, some time after they began."""

    id = "chat-visible-late"
    summary = "a stream is visible to observers only two seconds after it began"
    chat = instead(sessions=_Late)


class ChatVisibleVeryLate(Defect):
    """The same, after somebody made the wait longer in the hope that it was the wait."""

    id = "chat-visible-very-late"
    summary = "a stream is visible to observers only five seconds after it began"

    class _VeryLate(_Late):
        late_s = 5.0

    chat = instead(sessions=_VeryLate)


class ChatObserverWaits(Defect):
    """An observer is answered when there is something to see."""

    id = "chat-observer-waits"
    summary = "an observer who asks before the first words waits for them"

    class _Waits(ChatService):
        async def welcome(self, out: Outlet) -> None:
            return

    chat = instead(service=_Waits)


class ChatObservableAfterEnd(Defect):
    """What was streamed last is kept, and shown."""

    id = "chat-observable-after-end"
    summary = "a stream that is over can be observed as if it were not"

    class _Keeps(ChatSessions):
        def end(self, turn: Turn) -> None:
            super().end(turn)
            self.over()[turn.session_id] = turn

        def active(self, text: str) -> Turn | None:
            session_id = self.parse(text)
            return super().active(text) or (self.over().get(session_id) if session_id is not None else None)

        def over(self) -> dict[UUID, Turn]:
            known: dict[UUID, Turn] = self.__dict__.setdefault("_over", {})
            return known

    chat = instead(sessions=_Keeps)


class ChatObserverFromNow(Defect):
    """An observer is sent what comes."""

    id = "chat-observer-from-now"
    summary = "an observer does not read what was streamed before it came"

    class _Live(Broadcast):
        async def follow(self) -> AsyncIterator[bytes]:
            missed = len(self._events)
            async for event in super().follow():
                if missed > 0:
                    missed -= 1
                else:
                    yield event

    chat = instead(broadcast=_Live)


class ChatObserverLosesOne(Defect):
    """The event at which the list was handed over falls between the two halves."""

    id = "chat-observer-loses-one"
    summary = "an observer does not read the second event"

    class _Loses(Broadcast):
        async def follow(self) -> AsyncIterator[bytes]:
            number = 0
            async for event in super().follow():
                number += 1
                if number != 2:
                    yield event

    chat = instead(broadcast=_Loses)


class ChatObserverSeesTwice(Defect):
    """The event at which the list was handed over is in both halves."""

    id = "chat-observer-sees-twice"
    summary = "an observer reads the second event twice"

    class _Repeats(Broadcast):
        async def follow(self) -> AsyncIterator[bytes]:
            number = 0
            async for event in super().follow():
                number += 1
                yield event
                if number == 2:
                    yield event

    chat = instead(broadcast=_Repeats)


class ChatObserverDisorder(Defect):
    """What comes is sent before what was kept."""

    id = "chat-observer-disorder"
    summary = "an observer reads the second event after the third"

    class _Swaps(Broadcast):
        async def follow(self) -> AsyncIterator[bytes]:
            kept: list[bytes] = []
            number = 0
            async for event in super().follow():
                number += 1
                if number == 2:
                    kept.append(event)
                    continue
                yield event
                while kept:
                    yield kept.pop()

    chat = instead(broadcast=_Swaps)


class ChatObserverNoTerminal(Defect):
    """The terminal is the owner's."""

    id = "chat-observer-no-terminal"
    summary = "an observer does not read how the stream ended"

    class _Cuts(ChatService):
        async def pass_on(self, turn: Turn, out: Outlet) -> None:
            async for event in turn.broadcast.follow():
                if event.startswith(b"event: delta"):
                    await out.send(event)

    chat = instead(service=_Cuts)


class ChatObserverLeftHanging(Defect):
    """When the owner leaves, his handler is cancelled, and with it whoever would tell the others."""

    id = "chat-observer-left-hanging"
    summary = "when the owner leaves, observers wait for ever"

    class _Silent(ChatSessions):
        def end_with(self, turn: Turn, terminal: bytes) -> None:
            if turn.outcome is not Outcome.LEFT:
                super().end_with(turn, terminal)

        def end(self, turn: Turn) -> None:
            if turn.outcome is Outcome.LEFT:
                self._active.pop(turn.session_id, None)
            else:
                super().end(turn)

    chat = instead(sessions=_Silent)


class ChatObserverKillsOwner(Defect):
    """Owner and observer share what is closed when one of them leaves."""

    id = "chat-observer-kills-owner"
    summary = "when an observer leaves, the stream ends for all"

    class _Shares(ChatService):
        async def pass_on(self, turn: Turn, out: Outlet) -> None:
            try:
                await super().pass_on(turn, out)
            except (asyncio.CancelledError, ClientGone):
                turn.stop(cancelled())
                raise

    chat = instead(service=_Shares)


class ChatSlowObserverBlocks(Defect):
    """Events are handed to one reader after the other."""

    id = "chat-slow-observer-blocks"
    summary = "the owner waits for an observer who does not read"

    locks: ClassVar[WeakKeyDictionary[Broadcast, asyncio.Lock]] = WeakKeyDictionary()

    @classmethod
    def lock(cls, turn: Turn) -> asyncio.Lock:
        """What the readers of one stream take turns with."""
        return cls.locks.setdefault(turn.broadcast, asyncio.Lock())

    class _Takes(ChatService):
        async def pass_on(self, turn: Turn, out: Outlet) -> None:
            async for event in turn.broadcast.follow():
                async with ChatSlowObserverBlocks.lock(turn):
                    await out.send(event)

    class _Waits(Streams):
        async def relay(self, turn: Turn, piece: Piece, out: Outlet) -> None:
            async with ChatSlowObserverBlocks.lock(turn):
                await super().relay(turn, piece, out)

    chat = instead(service=_Takes, streams=_Waits)


class ChatObserverTaskKept(Defect):
    """Each observer has a task that brings the events, and waits while the one before was not taken."""

    id = "chat-observer-task-kept"
    summary = "what brings an observer the events waits for ever when the observer has left"

    class _Brings(ChatService):
        bringing: ClassVar[set[asyncio.Task[None]]] = set()

        async def pass_on(self, turn: Turn, out: Outlet) -> None:
            queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
            task = asyncio.create_task(self._bring(turn, queue))
            self.bringing.add(task)
            task.add_done_callback(self.bringing.discard)
            while (event := await queue.get()) is not None:
                await out.send(event)

        async def _bring(self, turn: Turn, queue: asyncio.Queue[bytes | None]) -> None:
            async for event in turn.broadcast.follow():
                await queue.put(event)
            await queue.put(None)

    chat = instead(service=_Brings)
