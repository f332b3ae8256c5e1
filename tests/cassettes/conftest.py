"""An origin server that fails in every way, and the ways to call it: the same for tap, file and playback."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from harness.cassettes.recorder import Recorder
from harness.cassettes.tap import Call, open_session
from harness.core.recording import Ending, Header, Recording, Source

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = [b'data: {"n": %d}\n\n' % number for number in range(11)]


@dataclass
class Origin:
    """A server on a free port. It writes one piece for each turn of ``step``, which the client gives it."""

    port: int = 0
    step: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    requests: list[bytes] = field(default_factory=list)
    handlers: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Origin]:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            for handler in self.handlers:  # one may wait for a turn that a client, gone by now, never gave it
                handler.cancel()
            await asyncio.gather(*self.handlers, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self.handlers.add(handler)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                self.requests.append(head + body)
                await self._answer(head.split()[1].decode().partition("?")[0], head.split()[0], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, method: bytes, writer: asyncio.StreamWriter) -> None:
        plain = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Twice: a\r\nX-Twice: b\r\n\r\n"
        if path == "/plain":
            body = b"" if method == b"HEAD" else b'{"ok":true}'
            writer.write(plain % 11 + body)
        elif path == "/none":
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        elif path == "/stream":
            await self._write(writer, [SSE, *map(chunk, EVENTS), b"0\r\n\r\n"])
        elif path == "/until-close":
            await self._write(writer, [b"HTTP/1.1 200 OK\r\n\r\n", b"all ", b"of it"])
            raise ConnectionAbortedError
        elif path in ("/reset", "/fin", "/stall"):
            await self._write(writer, [SSE, chunk(EVENTS[0]), b"ff\r\ndata: half of"])
            await self._fail(path, writer)
        elif path == "/short":
            writer.write(plain % 100 + b"forty")
            raise ConnectionAbortedError
        elif path == "/nothing":
            raise ConnectionAbortedError
        elif path == "/junk":
            writer.write(b"this is not HTTP\r\n\r\n")

    async def _write(self, writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
        for number, piece in enumerate(pieces):
            if number > 1:
                await self.step.acquire()
            writer.write(piece)
            await writer.drain()

    async def _fail(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/stall":
            return
        await self.step.acquire()
        if path == "/reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        raise ConnectionAbortedError


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass
class Outcome:
    """What a client saw."""

    status: int | None = None
    chunks: list[bytes] = field(default_factory=list)
    error: type[BaseException] | None = None


@dataclass(frozen=True)
class Fault:
    """A way to call the origin, and what comes of it. ``leave`` is after how many chunks the client goes."""

    id: str
    path: str
    ending: Ending
    chunks: list[bytes]
    status: int | None = 200
    error: type[BaseException] | None = None
    method: str = "POST"
    limit: aiohttp.ClientTimeout = field(default_factory=lambda: aiohttp.ClientTimeout(total=30))
    leave: int | None = None

    async def drive(self, session: aiohttp.ClientSession, origin: Origin, url: str) -> Outcome:
        outcome = Outcome()
        body = {"prompt": self.id} if self.method == "POST" else None
        try:
            async with session.request(
                self.method, url + self.path, json=body, timeout=self.limit, trace_request_ctx=Call(self.id, "t.1")
            ) as response:
                outcome.status = response.status
                async for data in response.content.iter_any():
                    outcome.chunks.append(data)
                    if len(outcome.chunks) == self.leave:
                        break
                    origin.step.release()
        except (aiohttp.ClientError, TimeoutError) as failure:
            outcome.error = type(failure)
        return outcome

    @property
    def expected(self) -> Outcome:
        return Outcome(self.status, self.chunks, self.error)


PAYLOAD = aiohttp.ClientPayloadError
HALF = [EVENTS[0], b"data: half of"]
FAULTS = [
    Fault("stream", "/stream", Ending.EOF, EVENTS),
    Fault("plain", "/plain", Ending.EOF, [b'{"ok":true}']),
    Fault("get", "/plain", Ending.EOF, [b'{"ok":true}'], method="GET"),
    Fault("head", "/plain", Ending.EOF, [], method="HEAD"),
    Fault("no-content", "/none", Ending.EOF, [], status=204),
    Fault("until-close", "/until-close", Ending.EOF, [b"all ", b"of it"]),
    Fault("reset", "/reset", Ending.RESET, HALF, error=PAYLOAD),
    Fault("fin-in-chunk", "/fin", Ending.FIN, HALF, error=PAYLOAD),
    Fault("fin-too-short", "/short", Ending.FIN, [b"forty"], error=PAYLOAD),
    Fault("fin-no-answer", "/nothing", Ending.FIN, [], status=None, error=aiohttp.ServerDisconnectedError),
    Fault(
        "read-time-out",
        "/stall",
        Ending.TIMEOUT,
        HALF,
        error=aiohttp.SocketTimeoutError,
        limit=aiohttp.ClientTimeout(sock_read=0.4),
    ),
    Fault("total-time-out", "/stall", Ending.TIMEOUT, HALF, error=TimeoutError, limit=aiohttp.ClientTimeout(total=0.6)),
    Fault("client-leaves", "/stream", Ending.CLIENT_CLOSE, EVENTS[:2], leave=2),
    Fault("refused", "/refused", Ending.CONNECT_ERROR, [], status=None, error=aiohttp.ClientConnectorError),
]


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.id)
def fault(request: pytest.FixtureRequest) -> Fault:
    found: Fault = request.param
    return found


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin().serve() as served:
        yield served


@pytest.fixture
def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Header(source=Source.SIMULATOR, scenario="faults"))


@dataclass
class Recorded:
    recording: Recording
    outcome: Outcome
    url: str


@pytest.fixture
def record(origin: Origin, closed_port: int, recorder: Recorder) -> Callable[[Fault], Awaitable[Recorded]]:
    """Call the origin in one way, and give what the client saw with what the tap saw."""

    async def run(fault: Fault) -> Recorded:
        url = f"http://127.0.0.1:{closed_port}" if fault.id == "refused" else origin.url
        async with open_session(recorder) as session:
            outcome = await fault.drive(session, origin, url)
        return Recorded(recorder.recording(), outcome, url)

    return run
