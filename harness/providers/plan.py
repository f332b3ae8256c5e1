"""A provider's answer as pure data: head, then steps. The simulator carries it out; tests read it.

What a fault does to an answer is the same for every protocol once the protocol has named its parts, so it is done
here: where the point is, what is inserted, how the stream ends, and how its bytes are cut into writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from harness.core.fault import Body, Done, Fault, Insert, Then, Writes
from harness.core.names import Answer
from harness.core.recording import Headers

BEFORE_RESET_MS = 20
"""A reset overtakes what a reader has not taken yet: so much time is left to take it, and the outcome is the same."""

NOT_JSON = b"The service is warming up, come back in a minute.\n"
"""What a provider says where ``Body.NOT_JSON`` is asked for."""

_REASONS = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}
_MULTI_BYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes to send in one piece. ``content`` is how many content events are out, whole, once they are sent."""

    data: bytes
    content: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, in milliseconds."""

    ms: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing more, and the connection stays open until the peer leaves."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A TCP reset."""


Step = Write | Pause | Stall | Reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One answer. ``before`` is done before the head is sent, ``steps`` after it.

    Where the steps end without ``Stall`` or ``Reset`` the HTTP message ends cleanly. A ``chunked`` body has no
    length in its head; ``length`` is the one that is promised, where that is not what will be sent.
    """

    status: int
    reason: str
    headers: Headers
    before: tuple[Pause | Stall, ...] = ()
    steps: tuple[Step, ...] = ()
    chunked: bool = False
    length: int | None = None

    @property
    def body(self) -> bytes:
        """All bytes of the body that will be sent."""
        return b"".join(step.data for step in self.steps if isinstance(step, Write))

    @property
    def contents(self) -> int:
        """How many content events will be sent whole."""
        return max((step.content for step in self.steps if isinstance(step, Write)), default=0)


def inside_characters(data: bytes) -> list[int]:
    """Where bytes of UTF-8 can be cut inside a character, after its first byte."""
    return [found.start() + 1 for found in _MULTI_BYTE.finditer(data)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The events of a stream in a protocol's own bytes, each with its framing.

    ``opening``, ``contents``, ``closing`` and ``terminal`` are the healthy answer; the others are what a fault may
    put in: an error in band as an event or inside a chunk, an event that cannot be decoded, a content event too
    late, and what may stand before any event: a comment or a ping (empty where the framing has none). ``inside`` says
    where an event's bytes can be cut inside one of its characters.
    """

    opening: tuple[bytes, ...]
    contents: tuple[bytes, ...]
    closing: tuple[bytes, ...]
    terminal: tuple[bytes, ...]
    error_event: bytes
    error_chunk: bytes
    malformed: bytes
    late: bytes
    comment: bytes = b""
    inside: Callable[[bytes], list[int]] = inside_characters


def reason(status: int) -> str:
    """The reason phrase of a status code."""
    return _REASONS.get(status, "")


def plain_plan(
    fault: Fault, body: bytes, *, headers: Headers, status: int = 200, content_type: str = "application/json"
) -> Plan:
    """An answer with a length: a completion, a list, an error.

    Of one that the fault resets half the body is sent, or nothing but the head where the fault's point is before any
    content.
    """
    before: list[Pause | Stall] = []
    broken = fault.then is Then.RESET and Answer.PLAIN in fault.applies
    sent = body[: len(body) // 2 if fault.after else 0] if broken else body
    if fault.delay_ms:
        before.append(Pause(fault.delay_ms))
    if fault.silent:
        before.append(Stall())
    return Plan(
        status=status,
        reason=reason(status),
        headers=(("content-type", fault.content_type or content_type), *headers),
        before=tuple(before),
        steps=(*([Write(sent)] if sent else []), *((Pause(BEFORE_RESET_MS), Reset()) if broken else ())),
        chunked=broken and not fault.after,
        length=len(body) if broken and fault.after else None,
    )


def document(fault: Fault, body: bytes) -> bytes:
    """A body, or what a fault puts in its place."""
    return {Body.NOT_JSON: NOT_JSON, Body.EMPTY: b""}.get(fault.body, body)


def stream_plan(
    fault: Fault, parts: Parts | None, *, headers: Headers, content_type: str = "text/event-stream"
) -> Plan:
    """A streamed answer; no parts: a stream with nothing in it."""
    return Plan(
        status=200,
        reason=reason(200),
        headers=(("content-type", fault.content_type or content_type), ("cache-control", "no-cache"), *headers),
        before=(Stall(),) if fault.silent else (),
        steps=tuple(_cut(_stream(fault, parts), fault.writes, parts.inside)) if parts else (),
        chunked=True,
    )


def retry_after(fault: Fault, now_s: float) -> Headers:
    """The fault's own header fields; ``now_s`` is the time of day in seconds since 1970, for a date."""
    if fault.retry_after_date_s is None:
        return fault.headers
    return (*fault.headers, ("retry-after", formatdate(now_s + fault.retry_after_date_s, usegmt=True)))


def _stream(fault: Fault, parts: Parts) -> Iterator[Step]:
    """The steps of a stream, one write an event (and one a comment)."""
    content = 0
    for event, counts in _events(fault, parts):
        if isinstance(event, bytes):
            if counts and content == 0 and fault.delay_ms:
                yield Pause(fault.delay_ms)
            if (fault.comments or fault.pings) and parts.comment:
                yield Write(parts.comment, content)
            content += counts
            yield Write(event, content)
        else:
            yield event


def _events(fault: Fault, parts: Parts) -> Iterator[tuple[bytes | Pause | Stall | Reset, int]]:
    """What comes, in order, and whether it is a content event (1 or 0)."""
    point = min(fault.after, len(parts.contents))
    ends = fault.insert in (Insert.ERROR_EVENT, Insert.ERROR_CHUNK) or fault.then is not Then.GO_ON
    if not (ends and point == 0):  # an end before the first content comes before the opening too
        yield from _each(parts.opening)
    yield from _each(parts.contents[:point], 1)
    if fault.insert is Insert.ERROR_EVENT:
        yield parts.error_event, 0
        return
    if fault.insert is Insert.ERROR_CHUNK:
        yield parts.error_chunk, 0
        return
    if fault.insert is Insert.MALFORMED:
        yield parts.malformed, 0  # half a frame, perhaps, and then the end
    if fault.then is Then.RESET:
        yield Pause(BEFORE_RESET_MS), 0
        yield Reset(), 0
    if fault.then is Then.STALL:
        yield Stall(), 0
    if fault.then is not Then.GO_ON:
        return
    yield from _each(parts.contents[point:], 1)
    yield from _each(parts.closing)
    yield from _each(parts.terminal * {Done.NEVER: 0, Done.TWICE: 2}.get(fault.done, 1))
    if fault.done is Done.EARLY:
        yield parts.late, 1


def _each(events: tuple[bytes, ...], counts: int = 0) -> Iterator[tuple[bytes, int]]:
    return ((event, counts) for event in events)


def _cut(steps: Iterable[Step], writes: Writes, inside: Callable[[bytes], list[int]]) -> Iterator[Step]:
    """Cut the writes as the fault says. Bytes that do not end their event count as sent before it."""
    if writes is Writes.COALESCED:
        yield from _coalesced(steps)
        return
    content = 0
    for step in steps:
        if not isinstance(step, Write):
            yield step
            continue
        pieces = _pieces(step.data, writes, inside)
        for piece in pieces[:-1]:
            yield Write(piece, content)
        content = step.content
        yield Write(pieces[-1], content)


def _pieces(data: bytes, writes: Writes, inside: Callable[[bytes], list[int]]) -> list[bytes]:
    """The bytes of one event as they are to be written; never none."""
    if writes is Writes.ONE_BYTE:
        cuts = list(range(1, len(data)))
    elif writes is Writes.SPLIT_UTF8:
        cuts = inside(data)
    else:
        cuts = []
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _coalesced(steps: Iterable[Step]) -> Iterator[Step]:
    held: list[Write] = []
    for step in steps:
        if isinstance(step, Write):
            held.append(step)
            continue
        yield from _joined(held)
        held.clear()
        yield step
    yield from _joined(held)


def _joined(writes: list[Write]) -> Iterator[Write]:
    if writes:
        yield Write(b"".join(write.data for write in writes), writes[-1].content)
