"""A gate holds a provider's answer at a point until the scenario lets it go."""

from __future__ import annotations

import asyncio

BEFORE_HEADERS = "before-headers"
"""The point before the head of every answer, ``before_headers`` names that of one call's answers.

The other points are counts of content events that are out.
"""


def before_headers(operation: str) -> str:
    """The point before the head of an answer to calls of this name, where one answer takes several calls."""
    return f"{BEFORE_HEADERS} of {operation}"


class Gate:
    """Closed at first. Every answer that comes to the point is held; once opened it holds none."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def wait_reached(self) -> None:
        """Wait until an answer has come to the gate."""
        await self.reached.wait()

    def open(self) -> None:
        """Let go what is held here, and all that comes later."""
        self.opened.set()

    async def hold(self) -> None:
        """For the simulator: an answer is here."""
        self.reached.set()
        await self.opened.wait()
