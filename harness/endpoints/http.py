"""What every endpoint client is made of: one tapped session, one base address, one token.

Nothing here judges: a call that fails gives an answer that says so, and the tap has recorded how. Only failures of
the harness itself are raised.
"""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from harness.cassettes.tap import Call
from harness.systems.route import Route

FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, ConnectionError)
"""What aiohttp raises when the other side, or the way to it, fails."""


SMALL_BYTES, ROOM_BYTES = 1024, 1024 * 1024
AT_ONCE_BYTES = 1024 * 1024
"""A request body up to this is sent as one piece, a longer one piece by piece."""


def small_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that takes little unread: whoever sends to it is soon held up. For aiohttp's ``socket_factory``."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
    return made


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to. ``error`` is the client's own exception in words, where the call broke off."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    error: str | None = None


@dataclass(slots=True)
class Live:
    """A response that is still coming in."""

    response: aiohttp.ClientResponse
    received: bytearray = field(default_factory=bytearray)
    error: str | None = None

    async def read_until(self, enough: Callable[[bytes], bool]) -> bool:
        """Read until what was received is enough; False where the body ended or broke before."""
        while not enough(bytes(self.received)):
            if not await self._read_some():
                return False
        return True

    async def read_all(self) -> bytes:
        """Read to the end, or to where it breaks."""
        while await self._read_some():
            pass
        return bytes(self.received)

    def hurry(self) -> None:
        """Make room in the socket's buffer, if it was small on purpose."""
        transport = self.response.connection.transport if self.response.connection else None
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)

    def leave(self) -> None:
        """Close the connection now, whatever is still to come."""
        self.response.close()

    async def _read_some(self) -> bool:
        try:
            data = await self.response.content.readany()
        except FAILURES as failure:
            self.error = f"{type(failure).__name__}: {failure}"
            return False
        self.received += data
        return bool(data)


class Caller:
    """Calls the routes of one system as one user."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: str | None) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._token = token

    async def call(
        self,
        route: Route,
        *,
        json: Any = None,
        raw: bytes | None = None,
        tie: str | None = None,
        headers: Mapping[str, str] | None = None,
        path: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call a route and read the whole answer. ``raw`` is sent as it is, labelled JSON by default."""
        try:
            async with self.open(route, json=json, raw=raw, tie=tie, headers=headers, path=path) as live:
                body = await live.read_all()
                return Answer(live.response.status, live.response.headers, body, live.error)
        except FAILURES as failure:
            return Answer(None, {}, b"", f"{type(failure).__name__}: {failure}")

    @asynccontextmanager
    async def open(
        self,
        route: Route,
        *,
        json: Any = None,
        raw: bytes | None = None,
        tie: str | None = None,
        headers: Mapping[str, str] | None = None,
        path: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Live]:
        """Call a route and give its response as soon as the headers are there.

        Raises:
            aiohttp.ClientError, TimeoutError, ConnectionError: no headers came.
        """
        fields = dict(headers or {})
        if raw is not None:
            fields.setdefault("Content-Type", "application/json")
        if self._token is not None:
            fields.setdefault("Authorization", f"Bearer {self._token}")
        async with self._session.request(
            route.method,
            self._base_url + route.path.format_map(path or {}),
            json=json,
            data=raw if raw is None or len(raw) <= AT_ONCE_BYTES else io.BytesIO(raw),
            headers=fields,
            trace_request_ctx=Call(route.name, tie),
        ) as response:
            yield Live(response)
