"""The lateness of the harness's own event loop: how far its own figures can be wrong.

A task asks to be woken every 10 ms and notes how late it was. Whatever holds the loop up meanwhile (judging another
case, writing a file, too many streams) makes what was read in that time look later than it came.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from harness.core.recording import Exchange, Json, Recording

PERIOD_NS = 10_000_000
MS = 1e6


@dataclass(frozen=True, slots=True)
class Lag:
    """The largest lateness in ms: in the time of a whole case, and of each exchange, by its id."""

    case_ms: float
    exchanges: Mapping[str, float]

    def as_data(self) -> dict[str, Json]:
        """As a mark has it."""
        return {"case_ms": self.case_ms, "exchanges": dict(self.exchanges)}


class LagMonitor:
    """Watches the running loop while it is entered. All times are nanoseconds of ``clock``."""

    def __init__(self, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._woken_ns = array("q")
        self._late_ns = array("q")
        self._due_ns = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._due_ns = self._clock() + PERIOD_NS
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching; what was noted can still be asked for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def worst_ns(self, from_ns: int, to_ns: int) -> int:
        """The largest lateness of the wake-ups that this span of time had a part in.

        Each wake-up stands for the time since the one before, so that no span is without one. The one that is due and
        has not come is as late as it is by now.
        """
        first = bisect_left(self._woken_ns, from_ns)
        past = bisect_left(self._woken_ns, to_ns) + 1
        pending_ns = self._clock() - self._due_ns if past > len(self._woken_ns) else 0
        return max(0, pending_ns, max(self._late_ns[first:past], default=0))

    def note(self, woken_ns: int) -> None:
        """A wake-up came; the next is due a period later."""
        self._woken_ns.append(woken_ns)
        self._late_ns.append(max(0, woken_ns - self._due_ns))
        self._due_ns = woken_ns + PERIOD_NS

    def of(self, recording: Recording, start_ns: int) -> Lag:
        """The lag that a recording which began at ``start_ns`` ran into."""
        exchanges = {one.id: self._of(one, start_ns) for one in recording.exchanges}
        return Lag(round(self.worst_ns(start_ns, self._clock()) / MS, 3), exchanges)

    def _of(self, exchange: Exchange, start_ns: int) -> float:
        span = (start_ns + exchange.request.sent_ns, start_ns + exchange.ended_ns)
        return round(self.worst_ns(*span) / MS, 3)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(max(0, self._due_ns - self._clock()) / 1e9)
            self.note(self._clock())
