"""What every check of a system's health does: ask the store, and ask nothing more often than is good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from .clock import Clock
from .store import Store

Answer = TypeVar("Answer")


class StoreHealth:
    """Whether the store is there; it has ``limit_s`` to answer."""

    def __init__(self, store: Store, limit_s: float) -> None:
        self._store = store
        self._limit_s = limit_s

    async def store_up(self) -> bool:
        """Whether the store answers."""
        try:
            async with asyncio.timeout(self._limit_s):
                await self._store.check()
        except (SQLAlchemyError, OSError):  # TimeoutError is an OSError
            return False
        return True


class Learned(Generic[Answer]):
    """What others say when they are asked, not more often than every ``fresh_s``, nor twice at once.

    Of many who want to know, one is made to wait for the answer and the others share it.
    """

    def __init__(self, ask: Callable[[], Awaitable[Answer]], clock: Clock, fresh_s: float) -> None:
        self._ask = ask
        self._clock = clock
        self._fresh_s = fresh_s
        self._asking = asyncio.Lock()
        self._known: tuple[float, Answer] | None = None

    async def answer(self) -> Answer:
        """What is known, or else what asking tells."""
        since_s = self._clock.now_s() - self._fresh_s
        async with self._asking:
            if self._known is None or self._known[0] < since_s:
                answer = await self._ask()
                self._known = (self._clock.now_s(), answer)
            return self._known[1]
