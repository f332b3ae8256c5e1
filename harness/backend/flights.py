"""Calls in flight: who has how many, waiting until there are none, and ending them at shut-down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

T = TypeVar("T")


class Flight:
    """One call. ``limit`` is its time limit while it waits for a provider; ``over``: it is not to wait any more."""

    def __init__(self) -> None:
        self.limit: asyncio.Timeout | None = None
        self.over = False

    def expire(self) -> None:
        """End the wait for the provider now, as if its time were over, or as soon as it begins."""
        self.over = True
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time())

    def begin(self, limit: asyncio.Timeout) -> None:
        """The wait for the provider begins, within this limit."""
        self.limit = limit
        if self.over:
            self.expire()


class Flights:
    """The calls that are being served. Nothing is polled: whoever waits is woken when a call ends."""

    def __init__(self) -> None:
        self._users: Counter[UUID] = Counter()
        self._flights: set[Flight] = set()
        self._landed = asyncio.Event()
        self.draining = False
        self.ending = False

    @contextmanager
    def enter(self, user_id: UUID) -> Iterator[Flight]:
        """Count a call of this user as in flight until the end of the block."""
        flight = Flight()
        flight.over = self.ending
        self._flights.add(flight)
        self._users[user_id] += 1
        try:
            yield flight
        finally:
            self._land(user_id, flight)

    def count(self, user_id: UUID | None = None) -> int:
        """Calls in flight: of one user, or of all."""
        return len(self._flights) if user_id is None else self._users[user_id]

    async def idle(self, wait_s: float, user_id: UUID | None = None) -> bool:
        """Wait until there is no call in flight (of this user), at most ``wait_s``; whether that came about."""
        try:
            async with asyncio.timeout(wait_s):
                while self.count(user_id):
                    await self._landed.wait()
        except TimeoutError:
            return self.count(user_id) == 0
        return True

    async def drain(self, bound_s: float, grace_s: float | None = None) -> bool:
        """Let the running calls end, then make them. Whether none is left when the bound is over.

        They may run on for ``grace_s``, half the bound where nothing is said.
        """
        self.draining = True
        grace_s = bound_s / 2 if grace_s is None else min(grace_s, bound_s)
        at_rest = await self.idle(grace_s)
        self.ending = True  # a request that was let in before and is still on its way has no time either
        for flight in tuple(self._flights):
            flight.expire()
        return at_rest or await self.idle(bound_s - grace_s)

    def _land(self, user_id: UUID, flight: Flight) -> None:
        self._flights.discard(flight)
        self._users[user_id] -= 1
        if not self._users[user_id]:
            del self._users[user_id]
        self._landed.set()
        self._landed = asyncio.Event()


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Do work to its end even where the caller is cancelled meanwhile; the cancellation is raised afterwards.

    For what must not be torn: a hold that was placed is known to be, a settlement that began is made.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancel:
            cancelled = cancel
    if cancelled is not None and task.exception() is None:
        raise cancelled
    return task.result()
