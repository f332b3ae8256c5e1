"""A leak as a value, and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can be left open."""

    SESSION = "session"
    CONNECTOR = "connector"
    RESPONSE = "response"
    SERVER = "server"
    TASK = "task"
    GENERATOR = "async generator"
    THREAD = "thread"
    SOCKET = "socket"
    FILE = "file"
    LOOP = "event loop"


MENDS = {
    Kind.SESSION: "async with aiohttp.ClientSession() as session: ..., or await session.close()",
    Kind.CONNECTOR: "await connector.close(): a session with connector_owner=False leaves that to you",
    Kind.RESPONSE: "async with session.get(...) as response: ..., or read it to its end, or response.release()",
    Kind.SERVER: "server.close() and await server.wait_closed(), or async with server: ...",
    Kind.TASK: "await it, or cancel() it and await it, or start it in an asyncio.TaskGroup",
    Kind.GENERATOR: "async with contextlib.aclosing(...) as items: ..., or iterate it to its end",
    Kind.THREAD: "tell it to stop and join() it, or use its executor in a with statement",
    Kind.SOCKET: "close() it, or use it in a with statement; a stream's writer: close() and await wait_closed()",
    Kind.FILE: "close() it, or use it in a with statement",
    Kind.LOOP: "loop.close(), or let asyncio.run or asyncio.Runner own it",
}


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing left open: ``what`` in words, and ``made_at``, ``file:line`` in the tester's own code."""

    kind: Kind
    what: str
    made_at: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.made_at}: {self.kind}: {self.what}"


def told(leaks: Iterable[Leak]) -> str:
    """A line for each leak, then how each kind of them is mended."""
    found = tuple(leaks)
    kinds = dict.fromkeys(leak.kind for leak in found)
    return "\n".join(
        [
            f"left open: {', '.join(kinds)}",
            *(f"  {leak}" for leak in found),
            "to mend it:",
            *(f"  {kind}: {MENDS[kind]}" for kind in kinds),
        ]
    )
