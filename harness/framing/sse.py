"""Event streams: the algorithm of the WHATWG HTML standard, section 9.2.6, incremental and without I/O.

Lines end in CR, LF or CRLF; a leading byte order mark is skipped; only whole lines are decoded as UTF-8, so it does
not matter where the bytes were cut. Every event knows which bytes of the stream it came from.

An event is complete at the first byte of the line end that follows its last line, so ``end`` is exclusive of the LF
where a CRLF dispatches it. That way the offsets do not depend on how the stream was cut: a decoder that has seen the
CR cannot know yet whether an LF follows, and must not wait for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.core.errors import DecodeError

LIMIT_BYTES = 16 * 1024 * 1024
"""How long a line, and an event, may be unless the decoder is told otherwise."""

_BOM = b"\xef\xbb\xbf"
_BLANK = frozenset((b"\n", b"\r", b"\r\n"))
_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Event:
    """One dispatched event.

    ``id`` is the last event id as it stands (it stays until another one comes); ``retry`` is the reconnection time
    in milliseconds where this event's own lines set one; ``start`` and ``end`` are the bytes of its lines in the
    stream, from its first field on.
    """

    type: str
    data: str
    id: str = ""
    retry: int | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A whole stream. Comments and strays are ``(offset, text)``; ``tail`` is what was cut off at the end."""

    events: tuple[Event, ...]
    comments: tuple[tuple[int, str], ...] = ()
    strays: tuple[tuple[int, str], ...] = ()
    tail: bytes = b""


class Decoder:
    """Turns bytes into events, in time linear in the bytes however they are cut.

    ``comments`` and ``strays`` grow while it is fed: ``(offset, text)`` of each comment line (without its colon and
    one space), and of each line whose field name the standard does not have. ``retry`` is the last reconnection
    time in milliseconds.
    """

    def __init__(self, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.comments: list[tuple[int, str]] = []
        self.strays: list[tuple[int, str]] = []
        self.retry: int | None = None
        self._limit_bytes = limit_bytes
        self._offset = 0  # of the first byte that no whole line has taken yet
        self._partial: list[bytes] = []
        self._partial_bytes = 0
        self._after_cr = False
        self._finished = False
        self._last_id = ""
        self._held: list[bytes] = []  # the lines of the event under construction, as they came
        self._begin()

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; gives the events that they complete.

        Raises:
            DecodeError: a line or an event is longer than the limit, or the stream was finished before.
        """
        if self._finished:
            raise DecodeError("bytes came after the end of the event stream")
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:
                self._offset += 1
                data = data[1:]
                if self._held:
                    self._held.append(b"\n")
        if data:
            self._after_cr = data.endswith(b"\r")
        lines = data.splitlines(keepends=True)
        rest = lines.pop() if lines and lines[-1][-1] not in b"\r\n" else b""
        events: list[Event] = []
        if lines:
            self._take(lines, events)
        if rest:
            self._keep(rest)
        return events

    def finish(self) -> None:
        """The stream has ended: what is not terminated is no event, and stays in ``tail``."""
        self._finished = True

    @property
    def tail(self) -> bytes:
        """The bytes of an event that is not terminated yet, from its first field on, or of a line that is not."""
        return b"".join((*self._held, *self._partial))

    def _begin(self) -> None:
        """No event is under construction."""
        self._type = ""
        self._data: list[str] = []
        self._own_retry: int | None = None
        self._start = -1
        self._held.clear()

    def _keep(self, rest: bytes) -> None:
        """Hold the beginning of a line."""
        self._partial.append(rest)
        self._partial_bytes += len(rest)
        start = self._start if self._start >= 0 else self._offset
        if self._offset + self._partial_bytes - start > self._limit_bytes:
            raise DecodeError(f"more than {self._limit_bytes} bytes with no end of the event", where=f"byte {start}")

    def _take(self, lines: list[bytes], events: list[Event]) -> None:
        """Process whole lines."""
        if self._partial:
            self._partial.append(lines[0])
            lines[0] = b"".join(self._partial)
            self._partial.clear()
            self._partial_bytes = 0
        for raw in lines:
            if raw in _BLANK:
                self._dispatch(events)
            else:
                self._line(raw)
            self._offset += len(raw)

    def _line(self, raw: bytes) -> None:
        offset = self._offset
        line = raw
        if offset == 0 and raw.startswith(_BOM):
            line = raw[len(_BOM) :]
        text = line.rstrip(b"\r\n").decode("utf-8", "replace")
        if offset + len(raw) - (self._start if self._start >= 0 else offset) > self._limit_bytes:
            raise DecodeError(f"an event of more than {self._limit_bytes} bytes", where=f"byte {offset}")
        if not text:  # a byte order mark and nothing else
            return
        name, _, value = text.partition(":")
        if not name:
            self.comments.append((offset, value.removeprefix(" ")))
        elif self._field(name, value.removeprefix(" ")):
            if self._start < 0:
                self._start = offset
        else:
            self.strays.append((offset, text))
        if self._start >= 0:
            self._held.append(raw)

    def _field(self, name: str, value: str) -> bool:
        """Note a field; False where the standard does not have it."""
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            if "\0" not in value:
                self._last_id = value
        elif name == "retry":
            if value.isascii() and value.isdigit() and len(value) <= 18:
                self.retry = self._own_retry = int(value)
        else:
            return False
        return True

    def _dispatch(self, events: list[Event]) -> None:
        """A blank line: the event is complete, unless it has no data."""
        if self._data:
            events.append(
                Event(
                    self._type or "message",
                    self._data[0] if len(self._data) == 1 else "\n".join(self._data),
                    self._last_id,
                    self._own_retry,
                    self._start,
                    self._offset + 1,
                )
            )
        if self._start >= 0:
            self._begin()


def decode(body: bytes) -> Decoded:
    """A whole stream at once. Takes any bytes."""
    decoder = Decoder(limit_bytes=len(body))
    events = decoder.feed(body)
    decoder.finish()
    return Decoded(tuple(events), tuple(decoder.comments), tuple(decoder.strays), decoder.tail)


def encode(data: str, *, type: str | None = None, id: str | None = None, newline: str = "\n") -> bytes:
    """One event with its blank line; each line of ``data`` becomes a field of its own."""
    lines: list[str] = []
    if type is not None:
        lines.append(f"event: {_one_line(type)}")
    if id is not None:
        lines.append(f"id: {_one_line(id)}")
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    return (newline.join(lines) + newline * 2).encode()


def comment(text: str, newline: str = "\n") -> bytes:
    """A comment line, which every reader must pass over."""
    return f": {_one_line(text)}{newline}".encode()


def _one_line(text: str) -> str:
    if _LINE_END.search(text):
        raise ValueError(f"a field of an event stream is one line, not {text!r}")
    return text
