"""One stream as all who follow it see it: every event from the first on, however late they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Broadcast:
    """The events of one stream, kept once for all followers until the last of them has gone.

    Whoever publishes never waits for who follows: a slow follower is behind in the same list, and nothing else.
    """

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._changed = asyncio.Event()
        self._closed = False

    def publish(self, event: bytes) -> None:
        """One more event."""
        self._events.append(event)
        self._change()

    def close(self) -> None:
        """There are no more."""
        self._closed = True
        self._change()

    async def follow(self) -> AsyncIterator[bytes]:
        """Every event, from the first on, to the last."""
        seen = 0
        while True:
            while seen < len(self._events):
                yield self._events[seen]
                seen += 1
            if self._closed:
                return
            await self._changed.wait()

    def _change(self) -> None:
        """Wake everybody who waits; who waits again waits for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()
