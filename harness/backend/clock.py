"""Time as the backend waits for it: real, or skipped, so that two minutes of waiting take a moment.

Everything that waits on purpose (a poll's interval, the wait before another try, a breaker's cool-down, the lifetime
of a token) asks the clock. Limits on sockets do not: how long a peer is silent is not ours to skip.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


def utc_text(moment: datetime) -> str:
    """A moment in ISO 8601, UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """Real time. Seconds, from a point that means nothing."""

    def now_s(self) -> float:
        """The time, which never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass for nobody but who asks. Raises ValueError where time is real, or would go back."""
        raise ValueError(f"time is real here: it does not jump {seconds:g} seconds")


class SkippingClock(Clock):
    """Time that passes when it is slept, at once, or when it is told to."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now_s(self) -> float:
        """Real time, and what was skipped."""
        return super().now_s() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        """Skip that much; others run before it is over, and it can be cancelled."""
        await asyncio.sleep(0)
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Skip that much."""
        if not seconds >= 0:
            raise ValueError(f"time does not go back: {seconds:g} seconds")
        self._ahead_s += seconds


CLOCKS = {"real": Clock, "skipping": SkippingClock}
"""The clocks by the name that the setting ``CLOCK`` has for them."""
