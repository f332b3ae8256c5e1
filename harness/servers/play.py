"""A cassette as a provider: recorded bytes over a socket, for clients that are not in this process.

Each request is answered by the exchange that was recorded for it, first come first served; what was recorded of a
connection's end (a reset, a silence, a close before the end) happens to the connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from harness.cassettes.http1 import RequestParser
from harness.cassettes.match import Matcher
from harness.cassettes.pieces import Script, script
from harness.core.errors import PlaybackMiss, PortInUse
from harness.core.recording import Ending, Exchange, Recording, Side

from .listener import HOST, reset

READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. ``body`` is None where it is to match any."""

    method: str
    target: str
    body: bytes | None


class Player:
    """Serves what one side of a recording answered, on 127.0.0.1. Use on one event loop.

    At speed 1 the recorded gaps are kept, at speed 0 each segment follows the one before at once, in a write of its
    own. With ``any_body`` only method and address have to agree, for a backend that words its requests anew.
    ``told`` gets a line for each request. ``misses`` are the requests that were not recorded: they are answered 404.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        side: Side = Side.PROVIDER,
        speed: int = 0,
        any_body: bool = False,
        told: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.misses: list[str] = []
        self._matcher = Matcher(recording.side(side))
        self._speed = speed
        self._any_body = any_body
        self._told = told
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> None:
        """Listen (0: at any free port).

        Raises:
            PortInUse: something else listens there.
        """
        try:
            self._server = await asyncio.start_server(self._connected, HOST, port)
        except OSError:
            raise PortInUse(HOST, port) from None

    async def close(self) -> None:
        """Drop every connection, and give the port back."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        port = self._server.sockets[0].getsockname()[1] if self._server else 0
        return f"http://{HOST}:{port}"

    @property
    def leftovers(self) -> tuple[Exchange, ...]:
        """Recorded exchanges that nobody has asked for yet."""
        return self._matcher.leftovers

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        if connection is None:
            return
        self._connections.add(connection)
        try:
            while (asked := await self._next(reader, writer)) is not None and await self._answer(asked, reader, writer):
                pass
        except ConnectionError:
            self._told("the client left")
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked | None:
        """The next request on a connection; None where there is no more, or none that can be read."""
        parser = RequestParser()
        waiting = True
        while not parser.complete:
            data = await reader.read(READ_BYTES)
            if not data:
                return None
            parser.feed(data)
            if waiting and any(name.lower() == "expect" for name, _ in parser.headers or ()):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                waiting = False
        if parser.headers is None:
            self._told("what came is no HTTP request")
            return None
        return Asked(parser.method, parser.target, None if self._any_body else parser.body)

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Play the recorded answer; whether the connection can be used again."""
        try:
            exchange = self._matcher.take(asked.method, asked.target, asked.body)
        except PlaybackMiss as miss:
            self.misses.append(str(miss))
            self._told(str(miss))
            writer.write(_missed(miss))
            await writer.drain()
            return True
        self._told(f"{asked.method} {asked.target}: {exchange.id}, {exchange.status or 'no answer'}, {exchange.ending}")
        played = script(exchange)
        await self._send(exchange, played, writer)
        return await _end(played, reader, writer)

    async def _send(self, exchange: Exchange, played: Script, writer: asyncio.StreamWriter) -> None:
        before_ns = exchange.request.sent_ns
        for at_ns, data in played.pieces:
            await asyncio.sleep(self._speed * max(0, at_ns - before_ns) / 1e9)
            before_ns = at_ns
            writer.write(data)
            await writer.drain()
        await asyncio.sleep(self._speed * max(0, played.ended_ns - before_ns) / 1e9)


async def _end(played: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """What was recorded of the connection's end; whether it can be used again."""
    match played.ending:
        case Ending.EOF:
            return not played.close
        case Ending.FIN:
            return False
        case Ending.RESET | Ending.CONNECT_ERROR:
            reset(writer.transport)
            return False
        case _:  # the one that was recorded was silent from here on, or its client left: this client may do so too
            while await reader.read(READ_BYTES):
                pass
            return False


def _missed(miss: PlaybackMiss) -> bytes:
    """An answer of the shape that most clients can read."""
    body = json.dumps({"error": {"message": str(miss), "type": "not_recorded", "code": "not_recorded"}}).encode()
    head = f"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
