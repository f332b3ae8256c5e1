"""Requests that are held at their last byte and then let go together: races as they are measured, not forced.

Each request has a connection of its own, over which all of it but the last byte has left; what is still missing is a
byte for each, written in one turn of the loop. When that byte had left is noted, so that nobody needs to believe that
the requests were on their way at once. They are recorded like any other exchange of a client's.
"""

from __future__ import annotations

import asyncio
import json
import select
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

import aiohttp
from yarl import URL

from harness.cassettes.http1 import ResponseParser
from harness.cassettes.recorder import Recorder
from harness.core.draft import Draft
from harness.core.recording import Ending, Side
from harness.systems.route import Route

from .http import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A request that takes part in a race. ``offset_ns`` is how long after the first it is to be let go."""

    route: Route
    token: str | None
    json: Any = None
    tie: str | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    offset_ns: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """How a request was let go: at ``released_ns`` of the recording its last byte had left.

    ``early``: when the last byte of the last request was about to leave, there was already an answer to this one. See
    ``core.race`` for what becomes of it.
    """

    exchange: str
    tie: str | None
    offset_ns: int
    released_ns: int
    early: bool


class Held(asyncio.Protocol):
    """A request on its connection, all but its last byte sent."""

    def __init__(self, recorder: Recorder, draft: Draft, data: bytes, entrant: Entrant) -> None:
        self.draft = draft
        self.entrant = entrant
        self.released_ns: int | None = None
        self._head_ns: int | None = None
        self.now = recorder.now
        self._recorder = recorder
        self._data = data
        self._parser = ResponseParser(draft.request.method)
        self._transport: asyncio.Transport | None = None
        self._flushed = asyncio.Event()
        self._headed = asyncio.Event()
        self._over = asyncio.Event()
        self._received = bytearray()
        self._answer = Answer(None, {}, b"")

    async def flushed(self) -> None:
        """Wait until nothing but the last byte is left to send, or the connection is gone."""
        await self._flushed.wait()

    @property
    def answered(self) -> bool:
        """Whether the head of its answer was read."""
        return self._answer.status is not None

    async def headed(self) -> int | None:
        """Wait for the head of its answer; gives when it was there, None where it came to its end without one."""
        await self._headed.wait()
        return self._head_ns

    def release(self) -> int:
        """Send the last byte; gives the time at which it had left, in nanoseconds of the recording."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._data[-1:])
        self.released_ns = self.now()
        # What came before was not a request yet: its latency counts from here.
        self.draft.request = replace(self.draft.request, sent_ns=self.released_ns)
        return self.released_ns

    async def answer(self, *, limit_s: float) -> Answer:
        """Wait for the whole answer, at most so long."""
        try:
            await asyncio.wait_for(self._over.wait(), limit_s)
        except TimeoutError:
            self._end(Ending.TIMEOUT, f"TimeoutError: no whole answer within {limit_s:g} s")
        finally:
            self.leave()
        return replace(self._answer, body=bytes(self._received), error=self.draft.error)

    def start(self, offset_ns: int, *, early: bool = False) -> Start:
        """How it was let go."""
        return Start(self.draft.id, self.entrant.tie, offset_ns, self.released_ns or 0, early)

    def leave(self) -> None:
        """Close the connection, whatever is still to come."""
        self._end(Ending.CLIENT_CLOSE)
        if self._transport is not None:
            self._transport.abort()

    def descriptor(self) -> int | None:
        """The socket's number; None where there is no connection."""
        if self._transport is None or self._transport.is_closing():
            return None
        return int(self._transport.get_extra_info("socket").fileno())

    def unconnected(self, failure: OSError) -> None:
        """There is no connection for it."""
        self._end(Ending.CONNECT_ERROR, f"{type(failure).__name__}: {failure}")

    # -- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send all but the last byte."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)
        self._transport.write(self._data[:-1])
        if self._transport.get_write_buffer_size() == 0:
            self._flushed.set()

    def resume_writing(self) -> None:
        """What was buffered has left."""
        self._flushed.set()

    def data_received(self, data: bytes) -> None:
        """A part of the answer."""
        at_ns = self.now()
        arrival = self._parser.feed(data)
        if arrival.head is not None:
            self.draft.head(at_ns, arrival.head.status, arrival.head.reason, arrival.head.headers)
            self._answer = replace(self._answer, status=arrival.head.status, headers=dict(arrival.head.headers))
            self._head_ns = at_ns
            self._headed.set()
        self.draft.segment(at_ns, arrival.body)
        self._received += arrival.body
        if arrival.complete:
            self._end(Ending.EOF)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if exc is not None:
            self._end(Ending.RESET, f"{type(exc).__name__}: {exc}")
        else:
            self._end(Ending.EOF if self._parser.finish() else Ending.FIN)

    def _end(self, ending: Ending, error: str | None = None) -> None:
        self.draft.end(self.now(), ending, error or self._parser.error)
        self._recorder.close(self.draft)
        for event in (self._flushed, self._headed, self._over):
            event.set()


@dataclass(frozen=True, slots=True)
class Heat:
    """Requests that were let go: how, and their answers as they come, in the order of the entrants."""

    starts: tuple[Start, ...]
    calls: tuple[asyncio.Task[Answer], ...]

    def facts(self) -> dict[str, Any]:
        """What the mark of a race says of it."""
        return facts(self.starts)


def facts(starts: Sequence[Start]) -> dict[str, Any]:
    """How requests were let go, as a mark says it: see ``core.race``."""
    released = [one.released_ns for one in starts]
    return {"skew_ns": max(released) - min(released), "requests": [asdict(one) for one in starts]}


@asynccontextmanager
async def holding(recorder: Recorder, base_url: str, entrant: Entrant) -> AsyncIterator[Held]:
    """One request, held until it is released; left at the end, whatever is still to come."""
    held = await hold(recorder, base_url, entrant)
    try:
        yield held
    finally:
        held.leave()


@asynccontextmanager
async def racing(
    recorder: Recorder, base_url: str, entrants: Sequence[Entrant], *, limit_s: float
) -> AsyncIterator[Heat]:
    """Let requests go together, or at their offsets; at the end all have been answered, or ``limit_s`` is over."""
    held = await asyncio.gather(*(hold(recorder, base_url, entrant) for entrant in entrants))
    heat = Heat(await release(held), tuple(asyncio.create_task(one.answer(limit_s=limit_s)) for one in held))
    try:
        yield heat
        await asyncio.gather(*heat.calls)
    finally:
        for one in held:
            one.leave()
        await asyncio.gather(*heat.calls, return_exceptions=True)


async def hold(recorder: Recorder, base_url: str, entrant: Entrant) -> Held:
    """Connect and send all of a request but its last byte. Where nobody answers the call, the exchange says so."""
    url = URL(base_url.rstrip("/") + entrant.route.path.format_map(entrant.path), encoded=True)
    headers, body = _request(url, entrant)
    draft = recorder.open(
        Side.CLIENT,
        entrant.route.name,
        method=entrant.route.method,
        url=str(url),
        headers=headers,
        body=body,
        tie=entrant.tie,
    )
    head = [f"{entrant.route.method} {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    held = Held(recorder, draft, "\r\n".join([*head, "", ""]).encode() + body, entrant)
    secure = True if url.scheme == "https" else None
    try:
        await asyncio.get_running_loop().create_connection(lambda: held, url.host or "", url.port or 0, ssl=secure)
    except OSError as failure:
        held.unconnected(failure)
    await held.flushed()
    return held


async def release(held: Sequence[Held]) -> tuple[Start, ...]:
    """Let them go: those with one offset in one turn of the loop, so that nothing of ours comes in between.

    An offset is what is asked for; the loop may be late, and what came of it is noted. Right before the last is let go
    it is seen to whom there is an answer already.
    """
    *ordered, last = sorted(held, key=lambda one: one.entrant.offset_ns)
    first_ns = None
    for one in ordered:
        first_ns = await _release_at(one, first_ns)
    if first_ns is not None:
        await _due(last, first_ns)
    early = _readable(held)
    last.release()
    return tuple(one.start(one.entrant.offset_ns, early=one in early) for one in held)


async def _release_at(one: Held, first_ns: int | None) -> int:
    """Let one go at its offset; gives when one without an offset would have been let go."""
    if first_ns is None:
        return one.release() - one.entrant.offset_ns
    await _due(one, first_ns)
    one.release()
    return first_ns


async def _due(one: Held, first_ns: int) -> None:
    """Wait for an offset; with none, not a turn of the loop."""
    left_ns = first_ns + one.entrant.offset_ns - one.now()
    if one.entrant.offset_ns and left_ns > 0:
        await asyncio.sleep(left_ns / 1e9)


def _readable(held: Sequence[Held]) -> frozenset[Held]:
    """Those to which there is an answer by now, read or not."""
    poll, waiting = select.poll(), {}
    for one in held:
        descriptor = one.descriptor()
        if descriptor is not None:
            waiting[descriptor] = one
            poll.register(descriptor, select.POLLIN)
    answered = {one for one in held if one.answered}
    return frozenset(answered | {waiting[descriptor] for descriptor, _ in poll.poll(0)})


def _request(url: URL, entrant: Entrant) -> tuple[list[tuple[str, str]], bytes]:
    body = b"" if entrant.json is None else json.dumps(entrant.json).encode()
    port = "" if url.is_default_port() else f":{url.port}"
    headers = [
        ("Host", f"{url.host}{port}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", aiohttp.http.SERVER_SOFTWARE),
        ("Connection", "close"),
    ]
    if entrant.token is not None:
        headers.append(("Authorization", f"Bearer {entrant.token}"))
    if entrant.json is not None:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return headers, body
