"""Recorded bodies as bytes: out of text, base64, hex or parsed JSON, and without their content coding.

A few kilobytes can unpack to gigabytes, and a file can do so in every interaction, so a file's bodies share one bound.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib

from harness.core.errors import CassetteLimit
from harness.core.recording import Headers, Json, Segment

from .base import Unreadable
from .documents import MAX_BYTES

GZIP_BITS = zlib.MAX_WBITS | 16
_GZIP = b"\x1f\x8b"


class Room:
    """The room that one file's bodies have in memory together: what was taken is not given back."""

    def __init__(self, left_bytes: int | None = None) -> None:
        self.left_bytes = MAX_BYTES if left_bytes is None else left_bytes

    def take(self, body: bytes) -> bytes:
        """The body, counted.

        Raises:
            CassetteLimit: the file's bodies are larger than is read.
        """
        self.left_bytes -= len(body)
        if self.left_bytes < 0:
            raise CassetteLimit(f"its bodies are larger than {MAX_BYTES >> 20} MiB together")
        return body

    def decode(self, body: bytes, headers: Headers) -> bytes:
        """A body without its content coding. Many recorders decode the body and keep the header: told by the magic.

        Raises:
            Unreadable: the coding is one that the standard library has no decoder for, or the bytes are broken.
            CassetteLimit: the file's bodies are larger than is read.
        """
        return self.take(self._decoded(body, headers))

    def _decoded(self, body: bytes, headers: Headers) -> bytes:
        coding = next((v.strip().lower() for name, v in headers if name.lower() == "content-encoding"), "identity")
        if not body or coding in ("", "identity"):
            return body
        if coding in ("gzip", "x-gzip"):
            return inflate(body, GZIP_BITS, self.left_bytes) if body[:2] == _GZIP else body
        if coding == "deflate":
            return inflate(body, zlib.MAX_WBITS, self.left_bytes) if body[:1] == b"\x78" else body
        if _is_text(body):
            return body
        raise Unreadable(f"the body is coded as {coding}, for which there is no decoder")


def inflate(data: bytes, wbits: int, room_bytes: int | None = None) -> bytes:
    """Unpack gzip or zlib data, to at most ``room_bytes`` (by default ``documents.MAX_BYTES``).

    Raises:
        Unreadable: the data is broken or cut short.
        CassetteLimit: it is larger.
    """
    most_bytes = MAX_BYTES if room_bytes is None else room_bytes
    parts: list[bytes] = []
    size = 0
    try:
        while data:
            unpacker = zlib.decompressobj(wbits)
            part = unpacker.decompress(data, most_bytes + 1 - size)
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                raise CassetteLimit("the compressed data unpacks to more than is read")
            if not unpacker.eof:
                raise Unreadable("the compressed data is cut short")
            data = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as wrong:
        raise Unreadable(f"the compressed data is broken: {wrong}") from wrong
    return b"".join(parts)


def without_coding(headers: Headers) -> Headers:
    """The header fields without the content coding, for a body that is given decoded."""
    return tuple((name, value) for name, value in headers if name.lower() != "content-encoding")


def whole(body: bytes, at_ns: int = 0) -> tuple[Segment, ...]:
    """The segments of a body whose boundaries nobody wrote down: one, or none for an empty body."""
    return (Segment(len(body), at_ns),) if body else ()


def as_bytes(value: Json) -> bytes:
    """A recorded body as bytes: text is UTF-8, with lone surrogates kept as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None:
        return b""
    raise Unreadable(f"the body is a {type(value).__name__}, not text or bytes")


def written_again(parsed: Json) -> bytes:
    """A body that its recorder parsed, as JSON again: only its values are evidence."""
    if parsed is None:
        return b""
    try:
        return json.dumps(parsed, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as wrong:
        raise Unreadable(f"the parsed body is not JSON: {wrong}") from wrong


def from_base64(text: Json) -> bytes:
    """A body that was written as base64, with or without line breaks."""
    try:
        return base64.b64decode(as_bytes(text), validate=False)
    except binascii.Error as wrong:
        raise Unreadable(f"the body is not base64: {wrong}") from wrong


def from_hex(text: Json) -> bytes:
    """A body that was written as hexadecimal digits."""
    try:
        return binascii.unhexlify(as_bytes(text))
    except binascii.Error as wrong:
        raise Unreadable(f"the body is not hexadecimal: {wrong}") from wrong


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
