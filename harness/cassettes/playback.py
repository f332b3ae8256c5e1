"""Playback: an aiohttp session that gets recorded bytes instead of the network's.

The segments go to aiohttp's real protocol object over a transport in memory; so parser, connection pool, time-outs
and exceptions are aiohttp's own. Like the tap, this stands on seams of aiohttp that its tests run: a connector makes
its connections in ``_create_connection``, and a stream that waits for data enters the timer it was given.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import BaseConnector, Connection
from aiohttp.helpers import BaseTimerContext, TimerNoop, set_exception
from aiohttp.tracing import Trace

from harness.core.errors import PlaybackMiss
from harness.core.recording import Ending, Exchange, Recording, Side

from .http1 import RequestParser
from .match import Matcher
from .pieces import Script, script
from .redact import Redactor

Speed = Literal[0, 1]

_CONNECT_ERRORS: Mapping[str, type[aiohttp.ClientConnectorError]] = {
    kind.__name__: kind
    for kind in (aiohttp.ClientConnectorError, aiohttp.ClientConnectorDNSError, aiohttp.ClientConnectorSSLError)
}


class Playback:
    """One recording, played to any number of sessions.

    Speed 1 keeps the recorded gaps; speed 0 gives a segment when the consumer waits for one, so that boundaries are
    kept and no time passes. ``with_host`` compares hosts too; what ``redactor`` finds in a request is no difference.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        speed: Speed = 0,
        side: Side = Side.CLIENT,
        with_host: bool = False,
        redactor: Redactor | None = None,
    ) -> None:
        self.speed = speed
        self._matcher = Matcher(recording.side(side), with_host=with_host, redactor=redactor)

    @property
    def leftovers(self) -> tuple[Exchange, ...]:
        """Recorded exchanges that nobody has asked for."""
        return self._matcher.leftovers

    def session(self, **session: Any) -> aiohttp.ClientSession:
        """A session, with arguments of ``aiohttp.ClientSession``. Close it as any session.

        A request that was not recorded raises ``PlaybackMiss``; so does reading on where the recorded caller left.
        """
        return aiohttp.ClientSession(connector=_Connector(self), **session)

    async def take(self, req: ClientRequest) -> Exchange:
        """What was recorded for a request."""
        known = isinstance(req.body, (aiohttp.BytesPayload, bytes))
        body = await req.body.as_bytes() if isinstance(req.body, aiohttp.BytesPayload) else b""
        return self._matcher.take(req.method, str(req.url), body if known else None)


def playback_session(
    recording: Recording, *, speed: Speed = 0, side: Side = Side.CLIENT, **session: Any
) -> aiohttp.ClientSession:
    """A session that plays a recording. Use ``Playback`` to ask for leftovers."""
    return Playback(recording, speed=speed, side=side).session(**session)


class _Connector(BaseConnector):
    """A pool of connections in memory."""

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self._playback = playback

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        """A connection, loaded with the answer to this request."""
        exchange = await self._playback.take(req)
        if exchange.ending is Ending.CONNECT_ERROR:
            raise _connect_error(req, exchange.error or "")
        connection = await super().connect(req, traces, timeout)
        cast("_Handler", connection.protocol).memory.load(exchange)
        return connection

    async def _create_connection(self, *_args: object) -> ResponseHandler:
        handler = _Handler(self._loop)
        handler.memory = _Memory(handler, self._loop, self._playback.speed)
        handler.connection_made(handler.memory)
        return handler


def _connect_error(req: ClientRequest, error: str) -> Exception:
    """What the recorded attempt raised: the class by its name, the words as recorded."""
    kind, _, text = error.partition(": ")
    if kind.endswith("TimeoutError"):
        return TimeoutError(text)
    code = errno.ECONNREFUSED if kind != "ClientConnectorDNSError" else errno.ENOENT
    return _CONNECT_ERRORS.get(kind, aiohttp.ClientConnectorError)(req.connection_key, OSError(code, text))


class _Handler(ResponseHandler):
    """aiohttp's own protocol object; its streams ask for data when somebody waits."""

    memory: _Memory

    def set_response_params(self, *, timer: BaseTimerContext | None = None, **params: Any) -> None:
        """The streams' timer is entered whenever a reader waits."""
        super().set_response_params(timer=_Demand(timer or TimerNoop(), self.memory), **params)

    def fail(self, failure: BaseException) -> None:
        """Raise in whoever waits for the response or its body."""
        payload = self._payload
        self.set_exception(failure)
        if payload is not None:
            set_exception(payload, failure)


class _Demand(BaseTimerContext):
    """The session's own timer, and a bell for each wait."""

    def __init__(self, timer: BaseTimerContext, memory: _Memory) -> None:
        self._timer = timer
        self._memory = memory

    def __enter__(self) -> BaseTimerContext:
        self._timer.__enter__()
        self._memory.wait(begins=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._memory.wait(begins=False)
        return self._timer.__exit__(kind, failure, trace)

    def assert_timeout(self) -> None:
        """Raise where the session's time is up."""
        self._timer.assert_timeout()


class _Memory(asyncio.Transport):
    """A connection whose other end is a script."""

    def __init__(self, handler: _Handler, loop: asyncio.AbstractEventLoop, speed: Speed) -> None:
        super().__init__()
        self._handler = handler
        self._loop = loop
        self._speed = speed
        self._exchange: Exchange | None = None
        self._script = Script()
        self._request = RequestParser()
        self._started_s: float | None = None
        self._closing = False
        self._paused = False
        self._waits = 0  # how often somebody has waited; odd while somebody does
        self._next: asyncio.Handle | None = None

    def load(self, exchange: Exchange) -> None:
        """The next request on this connection is to be answered with this."""
        self._exchange, self._script, self._request = exchange, script(exchange), RequestParser()
        self._started_s = None
        self._cancel()

    def wait(self, *, begins: bool) -> None:
        """A reader begins or ends to wait for data."""
        self._waits += 1
        if begins:
            self._plan()

    # -- what aiohttp calls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """The client sends; its complete request sets off the answer."""
        self._request.feed(bytes(data))
        if self._request.complete and self._started_s is None:
            self._started_s = self._loop.time()
            self._plan(demanded=True)

    def is_closing(self) -> bool:
        """Whether this end or the other has closed."""
        return self._closing

    def close(self) -> None:
        """The client closes."""
        self._lose(None)

    def abort(self) -> None:
        """The client closes."""
        self._lose(None)

    def pause_reading(self) -> None:
        """The client's buffer is full."""
        self._paused = True

    def resume_reading(self) -> None:
        """The client's buffer has room."""
        self._paused = False
        self._plan()

    # -- what the script says

    def _plan(self, *, demanded: bool = False) -> None:
        """See to it that the next piece comes: at speed 0 where somebody waits for it, at speed 1 when it is due."""
        idle = self._exchange is None or self._started_s is None or self._closing or self._paused
        if idle or self._next is not None or (self._speed == 0 and not demanded and self._waits % 2 == 0):
            return
        if self._speed == 0:
            self._next = self._loop.call_soon(self._step, self._waits)
        else:
            self._next = self._loop.call_at(self._due_s(), self._step, self._waits)

    def _due_s(self) -> float:
        if self._exchange is None or self._started_s is None:
            return self._loop.time()
        at_ns = self._script.pieces[0][0] if self._script.pieces else self._script.ended_ns
        return self._started_s + max(0, at_ns - self._exchange.request.sent_ns) / 1e9

    def _step(self, waits: int) -> None:
        self._next = None
        if self._closing or self._paused or self._exchange is None:
            return
        if self._script.pieces:
            _, data = self._script.pieces.pop(0)
            self._handler.data_received(data)
            # A piece may hold nothing for the reader, who then goes on waiting without another bell.
            self._loop.call_soon(self._again, waits)
        else:
            exchange, self._exchange = self._exchange, None
            self._finish(exchange)

    def _again(self, waits: int) -> None:
        if self._speed == 1 or waits == self._waits:
            self._plan()

    def _finish(self, exchange: Exchange) -> None:
        ending = self._script.ending
        if ending is Ending.FIN or (ending is Ending.EOF and self._script.close):
            self._handler.eof_received()
            self._lose(None)
        elif ending is Ending.RESET:
            self._lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        elif ending is Ending.TIMEOUT:
            kind, _, text = self._script.error.partition(": ")
            self._handler.fail(aiohttp.SocketTimeoutError(text) if kind == "SocketTimeoutError" else TimeoutError())
        elif ending is Ending.CLIENT_CLOSE:
            self._handler.fail(PlaybackMiss("the recording ends here: its caller left", where=exchange.id))

    def _lose(self, failure: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._cancel()
            self._loop.call_soon(self._handler.connection_lost, failure)

    def _cancel(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
