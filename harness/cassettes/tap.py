"""The tap: an aiohttp session whose traffic is recorded as it crosses the wire.

The only module that touches aiohttp's private seams; ``tests/cassettes/test_tap.py`` runs every one of them against
the installed version:

- a connector makes its protocol objects with ``_factory``,
- ``ResponseHandler`` is told of its transport in ``connection_made``, and of time-outs in ``set_exception``,
- ``ClientRequest.send`` is where a request and its connection meet,
- a total time-out shows in ``TimerContext._cancelled`` only.

The tap stands between a transport and aiohttp's protocol object. It passes everything on at once and unchanged.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.helpers import _EXC_SENTINEL, TimerContext
from aiohttp.tracing import Trace
from multidict import CIMultiDict
from yarl import URL

from harness.core.draft import Draft
from harness.core.recording import Ending, Side

from .http1 import RequestParser, ResponseParser
from .recorder import Recorder


@dataclass(frozen=True, slots=True)
class Call:
    """What a request is, for the recording. Given to aiohttp as ``trace_request_ctx``."""

    operation: str
    tie: str | None = None


_CALL: contextvars.ContextVar[Call | None] = contextvars.ContextVar("call", default=None)


def open_session(
    recorder: Recorder,
    *,
    side: Side = Side.CLIENT,
    provider: str | None = None,
    connector: Mapping[str, Any] | None = None,
    **session: Any,
) -> aiohttp.ClientSession:
    """A session of which everything is recorded. Close it as any session.

    ``connector`` are arguments of ``aiohttp.TCPConnector``, ``session`` those of ``aiohttp.ClientSession``. Requests
    say ``Accept-Encoding: identity`` unless ``headers`` says otherwise, so that bodies can be read.
    """
    headers = CIMultiDict(session.pop("headers", None) or {})
    headers.setdefault(hdrs.ACCEPT_ENCODING, "identity")
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_note_call)
    return aiohttp.ClientSession(
        connector=_Connector(recorder, side, provider, **(connector or {})),
        request_class=_Request,
        headers=headers,
        trace_configs=[*session.pop("trace_configs", ()), trace],
        **session,
    )


async def _note_call(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    given = context.trace_request_ctx
    _CALL.set(given if isinstance(given, Call) else None)


class _Request(ClientRequest):
    """A request that knows what it is called and when its time is up, and tells the wire that it is sent on."""

    def __init__(self, method: str, url: URL, **options: Any) -> None:
        super().__init__(method, url, **options)
        self.call = _CALL.get() or Call(f"{self.method} {self.url.path}")
        self._limit = options.get("timer")

    @property
    def timed_out(self) -> bool:
        """Whether the session's total time limit has struck."""
        return isinstance(self._limit, TimerContext) and self._limit._cancelled  # noqa: SLF001 - the only sign of it

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send it, with the wire told before the first byte can leave."""
        wire = cast("_Handler", conn.protocol).wire
        wire.begin(self)
        try:
            return await super().send(conn)
        except ConnectionError as failure:
            wire.end(Ending.RESET, words(failure))
            raise


class _Connector(aiohttp.TCPConnector):
    """Makes tapped connections, and records the attempts that came to none."""

    def __init__(self, recorder: Recorder, side: Side, provider: str | None, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_Handler, self._loop, self)  # type: ignore[assignment]  # the same call, another class
        self._recorder, self._side, self._provider = recorder, side, provider

    @property
    def recorder(self) -> Recorder:
        """Where it all goes."""
        return self._recorder

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        """A connection from the pool or a new one."""
        sent_ns = self._recorder.now()
        try:
            return await super().connect(req, traces, timeout)
        except BaseException as failure:
            await self._note_unconnected(cast("_Request", req), sent_ns, failure)
            raise

    def open(self, req: _Request, body: bytes = b"", sent_ns: int | None = None) -> Draft:
        """A draft for a request; its headers and body become exact once bytes leave."""
        return self._recorder.open(
            self._side,
            req.call.operation,
            method=req.method,
            url=str(req.url),
            headers=req.headers.items(),
            body=body,
            tie=req.call.tie,
            provider=self._provider,
            sent_ns=sent_ns,
        )

    async def _note_unconnected(self, req: _Request, sent_ns: int, failure: BaseException) -> None:
        ended_ns = self._recorder.now()
        left = isinstance(failure, asyncio.CancelledError) and not req.timed_out
        error = "TimeoutError: the total time limit" if req.timed_out else words(failure)
        body = await req.body.as_bytes() if isinstance(req.body, aiohttp.BytesPayload) else b""
        draft = self.open(req, body, sent_ns)
        draft.end(ended_ns, Ending.CLIENT_CLOSE if left else Ending.CONNECT_ERROR, None if left else error)
        self._recorder.close(draft)


class _Handler(ResponseHandler):
    """aiohttp's own protocol object, with a tap between it and its transport."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connector: _Connector) -> None:
        super().__init__(loop)
        self.wire = _Wire(self, connector)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the wire in between, in both directions."""
        stream = cast("asyncio.Transport", transport)
        stream.set_protocol(self.wire)
        super().connection_made(cast("asyncio.Transport", _Outlet(stream, self.wire)))

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """A read time-out is told here, and nowhere else."""
        if isinstance(exc, aiohttp.SocketTimeoutError):
            self.wire.end(Ending.TIMEOUT, words(exc))
        super().set_exception(exc, exc_cause)


class _Outlet:
    """A transport as aiohttp sees it: notes what is sent, and that it is closed from this end."""

    def __init__(self, transport: asyncio.Transport, wire: _Wire) -> None:
        self._transport = transport
        self._wire = wire

    def write(self, data: bytes) -> None:
        """Send."""
        self._wire.sent(bytes(data))
        self._transport.write(data)

    def writelines(self, pieces: Any) -> None:
        """Send."""
        self.write(b"".join(pieces))

    def close(self) -> None:
        """Close, having sent what is buffered."""
        self._wire.left()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._wire.left()
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Wire(asyncio.Protocol):
    """One connection, which carries one exchange after the other."""

    def __init__(self, handler: ResponseHandler, connector: _Connector) -> None:
        self._handler = handler
        self._connector = connector
        self._now = connector.recorder.now
        self._flow: _Flow | None = None
        self._early: list[tuple[int, bytes]] = []
        self._gone: tuple[Ending, str | None] | None = None

    def begin(self, req: _Request) -> None:
        """The next exchange starts."""
        self._flow = _Flow(req, self._connector.open(req))
        for at_ns, data in self._early:
            self._arrive(at_ns, data)
        self._early.clear()
        if self._gone is not None:
            self.end(*self._gone)

    def sent(self, data: bytes) -> None:
        """Bytes go out now."""
        if self._flow is not None:
            self._flow.sent(self._now(), data)

    def left(self) -> None:
        """This end closes: an exchange that is still open was left, or its time was up."""
        if self._flow is not None and self._flow.req.timed_out:
            self.end(Ending.TIMEOUT, "TimeoutError: the total time limit")
        self.end(Ending.CLIENT_CLOSE)

    def end(self, ending: Ending, error: str | None = None) -> None:
        """The exchange under way, if any, is over now."""
        self._end(self._now(), ending, error)

    # -- what the transport calls

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        at_ns = self._now()
        if self._flow is None:
            self._early.append((at_ns, bytes(data)))
        else:
            self._arrive(at_ns, bytes(data))
        self._handler.data_received(data)

    def eof_received(self) -> None:
        """The peer has closed its half."""
        self._finish()
        self._handler.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if exc is not None:
            self._gone = (Ending.RESET, words(exc))
            self.end(*self._gone)
        elif self._handler.transport is not None:
            self._finish()
        self._gone = self._gone or (Ending.FIN, None)
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """The send buffer is full."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """The send buffer has room again."""
        self._handler.resume_writing()

    # -- what it comes to

    def _arrive(self, at_ns: int, data: bytes) -> None:
        if self._flow is not None and self._flow.arrived(at_ns, data):
            self._end(at_ns, Ending.EOF)

    def _finish(self) -> None:
        if self._flow is not None:
            self.end(Ending.EOF if self._flow.parser.finish() else Ending.FIN)

    def _end(self, at_ns: int, ending: Ending, error: str | None = None) -> None:
        if self._flow is not None:
            flow, self._flow = self._flow, None
            flow.draft.end(at_ns, ending, error or flow.parser.error if ending is not Ending.EOF else None)
            self._connector.recorder.close(flow.draft)


class _Flow:
    """One exchange on a connection: its request as bytes go out, its response as they come in."""

    def __init__(self, req: _Request, draft: Draft) -> None:
        self.req = req
        self.draft = draft
        self.parser = ResponseParser(req.method)
        self._outgoing = RequestParser()
        self._started = False

    def sent(self, at_ns: int, data: bytes) -> None:
        """Request bytes: the first of them is when the request was sent."""
        self._outgoing.feed(data)
        request = self.draft.request
        self.draft.request = replace(
            request,
            headers=self._outgoing.headers or request.headers,
            body=self._outgoing.body,
            whole=self._outgoing.whole,
            sent_ns=request.sent_ns if self._started else at_ns,
        )
        self._started = True

    def arrived(self, at_ns: int, data: bytes) -> bool:
        """Response bytes; True where they complete the message."""
        arrival = self.parser.feed(data)
        if arrival.head is not None:
            self.draft.head(at_ns, arrival.head.status, arrival.head.reason, arrival.head.headers)
        self.draft.segment(at_ns, arrival.body)
        return arrival.complete


def words(failure: BaseException) -> str:
    """An exception in words, its class first: playback raises the same class again."""
    return f"{type(failure).__name__}: {failure}"
