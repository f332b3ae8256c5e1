"""HTTP/1.1 messages from bytes, by h11: one parser for each message, no sockets and no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h11

from harness.core.recording import LONG_BODY_BYTES, Headers, Whole, shortened

MAX_HEAD_BYTES = 1 << 20
_ANY_REQUEST = [("host", "x")]


@dataclass(frozen=True, slots=True)
class Head:
    """The header section of a response."""

    status: int
    reason: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one piece of bytes added to a response: its head, body bytes without transfer coding, its end."""

    head: Head | None = None
    body: bytes = b""
    complete: bool = False


class ResponseParser:
    """The response to one request, from the bytes that follow it. ``error`` says why it could not be read on."""

    def __init__(self, method: str) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        # The parser needs to know of the request only what decides about the response's framing.
        self._http.send(h11.Request(method=method, target="/", headers=_ANY_REQUEST))
        self._http.send(h11.EndOfMessage())
        self.complete = False
        self.error: str | None = None

    def feed(self, data: bytes) -> Arrival:
        """What these bytes add. After the end or an error, nothing. Empty bytes say that the peer has closed."""
        head: Head | None = None
        body = bytearray()
        for event in self._events(data):
            if isinstance(event, h11.Response):
                head = Head(event.status_code, text(event.reason), fields(event.headers))
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self.complete = True
        return Arrival(head, bytes(body), self.complete)

    def finish(self) -> bool:
        """The peer has closed: whether that completes the message (a body delimited by the close)."""
        known = self.error
        self.feed(b"")
        self.error = known  # that the message is cut short is an ending, not a fault in its syntax
        return self.complete

    def _events(self, data: bytes) -> Iterator[h11.Event]:
        if self.complete or self.error is not None:
            return
        try:
            self._http.receive_data(data)
            while not self.complete:
                event = self._http.next_event()
                if not isinstance(event, h11.Event) or isinstance(event, h11.ConnectionClosed):
                    return
                yield event
        except h11.ProtocolError as failure:
            self.error = str(failure)


class RequestParser:
    """A request from the bytes sent. Bytes that h11 cannot read are taken as they are, after the header section.

    Of a long body the beginning is kept, and with it what the whole was.
    """

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._raw: bytearray | None = bytearray()
        self._body = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()
        self._strange = False
        self.headers: Headers | None = None
        self.method = ""
        self.target = ""

    @property
    def complete(self) -> bool:
        """Whether all of it was sent; of a request that cannot be read, its header section."""
        return self._raw is None or (self._strange and b"\r\n\r\n" in self._raw)

    @property
    def body(self) -> bytes:
        """The body sent so far (of a long one the beginning), without transfer coding."""
        if self._strange and self._raw is not None:
            return shortened(bytes(self._raw.partition(b"\r\n\r\n")[2]))[0]
        return bytes(self._body)

    @property
    def whole(self) -> Whole | None:
        """What the body was, where ``body`` is only its beginning."""
        if self._strange and self._raw is not None:
            return shortened(bytes(self._raw.partition(b"\r\n\r\n")[2]))[1]
        return Whole(self._size, self._digest.hexdigest()) if self._size > LONG_BODY_BYTES else None

    def feed(self, data: bytes) -> None:
        """More bytes went out."""
        if self._raw is not None:
            self._raw += data
        if self._strange:
            return
        try:
            self._http.receive_data(data)
            self._take()
        except h11.ProtocolError:
            self._strange = True

    def _take(self) -> None:
        while isinstance(event := self._http.next_event(), h11.Event):
            if isinstance(event, h11.Request):
                self.headers = fields(event.headers)
                self.method, self.target = text(event.method), text(event.target)
            elif isinstance(event, h11.Data):
                self._body += event.data[: max(0, LONG_BODY_BYTES - self._size)]
                self._size += len(event.data)
                self._digest.update(event.data)
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                self._raw = None
                return


def text(value: bytes) -> str:
    """A header's bytes as text: UTF-8, and what is not UTF-8 as lone surrogates, so that ``encode`` gives it back."""
    return bytes(value).decode("utf-8", "surrogateescape")


def encode(value: str) -> bytes:
    """The bytes that ``text`` was given."""
    return value.encode("utf-8", "surrogateescape")


def fields(headers: Any) -> Headers:
    """h11's header fields with the names as they were sent."""
    return tuple((text(name), text(value)) for name, value in headers.raw_items())
