"""AWS event streams (``application/vnd.amazon.eventstream``): binary frames, incremental and without I/O.

Source: the AWS event stream encoding as the Smithy and Amazon documentation give it. A frame is a prelude (total
length, length of the headers, CRC-32 of these eight bytes), the headers, the payload, and the CRC-32 of everything
before it; all numbers are big-endian. The CRCs are those of ``zlib``.

Nothing that is wrong is passed over: a frame whose own CRC or headers are wrong comes out marked (``damage``) and the
stream goes on, since its length can be believed; a wrong prelude ends the reading (``trouble``), since where the next
frame begins is not known.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from harness.core.errors import DecodeError

PRELUDE_BYTES = 12
CRC_BYTES = 4
LEAST_BYTES = PRELUDE_BYTES + CRC_BYTES
HEADERS_LIMIT_BYTES = 128 * 1024
LIMIT_BYTES = 24 * 1024 * 1024
"""How long the payload of a frame may be unless the decoder is told otherwise: the protocol's own limit."""

_PRELUDE = struct.Struct(">III")
_LENGTH = struct.Struct(">H")
_CRC = struct.Struct(">I")


class Type(IntEnum):
    """The type of a header's value, by its number on the wire."""

    TRUE = 0
    FALSE = 1
    BYTE = 2
    SHORT = 3
    INTEGER = 4
    LONG = 5
    BYTES = 6
    STRING = 7
    TIMESTAMP = 8  # milliseconds since 1970
    UUID = 9


Value = bool | int | bytes | str | uuid.UUID

_NUMBERS = {
    Type.BYTE: struct.Struct(">b"),
    Type.SHORT: struct.Struct(">h"),
    Type.INTEGER: struct.Struct(">i"),
    Type.LONG: struct.Struct(">q"),
    Type.TIMESTAMP: struct.Struct(">q"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """One header. The type is kept because numbers of different width, and timestamps, are the same in Python."""

    name: str
    value: Value
    type: Type = Type.STRING


@dataclass(frozen=True, slots=True)
class Message:
    """One frame: ``start`` and ``end`` are its bytes in the stream; ``damage`` says what is wrong with it."""

    headers: tuple[Header, ...]
    payload: bytes
    start: int = 0
    end: int = 0
    damage: str | None = None

    def text(self, name: str) -> str | None:
        """The first header of a name where it is a string, else None."""
        found = next((header.value for header in self.headers if header.name == name), None)
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A whole stream. ``tail`` is what was not read: half a frame, or all from a ``trouble`` on."""

    messages: tuple[Message, ...]
    tail: bytes = b""
    trouble: DecodeError | None = None


class Decoder:
    """Turns bytes into frames, in time linear in the bytes however they are cut."""

    def __init__(self, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.trouble: DecodeError | None = None
        self._limit_bytes = limit_bytes
        self._held = bytearray()
        self._offset = 0  # of the first byte that is held
        self._frame: tuple[int, int] | None = None  # lengths that the prelude at the offset gives

    @property
    def tail(self) -> bytes:
        """The bytes that no frame has taken."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; gives the frames that they complete. After a ``trouble`` there are none."""
        self._held += data
        messages: list[Message] = []
        at = 0
        while self.trouble is None:
            if self._frame is None:
                if len(self._held) - at < PRELUDE_BYTES:
                    break
                self._frame = self._prelude(at)
                continue
            total, headers_bytes = self._frame
            if len(self._held) - at < total:
                break
            messages.append(_message(bytes(self._held[at : at + total]), headers_bytes, self._offset + at))
            at += total
            self._frame = None
        del self._held[:at]
        self._offset += at
        return messages

    def _prelude(self, at: int) -> tuple[int, int] | None:
        """The frame's length and that of its headers; None, and a trouble, where they cannot be believed."""
        prelude = bytes(self._held[at : at + PRELUDE_BYTES])
        total, headers_bytes, crc = _PRELUDE.unpack(prelude)
        if zlib.crc32(prelude[:8]) != crc:
            wrong = "the CRC of a frame's prelude is wrong"
        elif total < LEAST_BYTES + headers_bytes or headers_bytes > HEADERS_LIMIT_BYTES:
            wrong = f"a frame of {total} bytes cannot have {headers_bytes} bytes of headers"
        elif total - headers_bytes - LEAST_BYTES > self._limit_bytes:
            wrong = f"a frame has a payload of more than {self._limit_bytes} bytes"
        else:
            return total, headers_bytes
        self.trouble = DecodeError(wrong, where=f"byte {self._offset + at}")
        return None


def decode(body: bytes) -> Decoded:
    """A whole stream at once. Takes any bytes."""
    decoder = Decoder()
    messages = decoder.feed(body)
    return Decoded(tuple(messages), decoder.tail, decoder.trouble)


def encode(headers: Iterable[Header], payload: bytes = b"") -> bytes:
    """One frame.

    Raises:
        ValueError: a name or value that its type cannot hold.
    """
    block = b"".join(map(_header, headers))
    head = struct.pack(">II", LEAST_BYTES + len(block) + len(payload), len(block))
    frame = head + _CRC.pack(zlib.crc32(head)) + block + payload
    return frame + _CRC.pack(zlib.crc32(frame))


def flipped(frame: bytes, at: int) -> bytes:
    """A frame with one bit of one byte turned over: the last one is of its CRC, the twelfth of its prelude's."""
    changed = bytearray(frame)
    changed[at] ^= 1
    return bytes(changed)


def _message(frame: bytes, headers_bytes: int, start: int) -> Message:
    split = PRELUDE_BYTES + headers_bytes
    payload = frame[split:-CRC_BYTES]
    damage = None
    headers: tuple[Header, ...] = ()
    try:
        headers = _headers(frame[PRELUDE_BYTES:split])
    except DecodeError as wrong:
        damage = wrong.what
    if zlib.crc32(frame[:-CRC_BYTES]) != _CRC.unpack(frame[-CRC_BYTES:])[0]:
        damage = "the CRC of the frame is wrong"
    return Message(headers, payload, start, start + len(frame), damage)


def _headers(block: bytes) -> tuple[Header, ...]:
    headers: list[Header] = []
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        name = block[at + 1 : name_end]
        if name_end >= len(block):
            raise DecodeError("a header is cut short")
        if block[name_end] not in _TYPES:
            raise DecodeError(f"a header has the unknown type {block[name_end]}")
        type_ = Type(block[name_end])
        try:
            value, at = _value(type_, block, name_end + 1)
            headers.append(Header(name.decode(), value, type_))
        except UnicodeDecodeError:
            raise DecodeError("a header is not UTF-8") from None
        except struct.error:
            raise DecodeError("a header is cut short") from None
    return tuple(headers)


_TYPES = frozenset(type_.value for type_ in Type)


def _value(type_: Type, block: bytes, at: int) -> tuple[Value, int]:
    """A header's value, and where the next header begins."""
    if type_ in (Type.TRUE, Type.FALSE):
        return type_ is Type.TRUE, at
    if number := _NUMBERS.get(type_):
        found: int = number.unpack_from(block, at)[0]
        return found, at + number.size
    if type_ is Type.UUID:
        end = at + 16
    else:
        end = at + 2 + _LENGTH.unpack_from(block, at)[0]
        at += 2
    raw = block[at:end]
    if end > len(block):
        raise DecodeError("a header is cut short")
    if type_ is Type.UUID:
        return uuid.UUID(bytes=raw), end
    return (raw.decode() if type_ is Type.STRING else raw), end


def _header(header: Header) -> bytes:
    name = header.name.encode()
    if not 0 < len(name) <= 255:
        raise ValueError(f"a header's name has 1 to 255 bytes, not {len(name)}")
    return bytes((len(name),)) + name + bytes((header.type,)) + _coded(header)


def _sized(raw: bytes) -> bytes:
    if len(raw) > 0xFFFF:
        raise ValueError(f"a header's value has at most 65535 bytes, not {len(raw)}")
    return _LENGTH.pack(len(raw)) + raw


def _coded(header: Header) -> bytes:
    value = header.value
    match header.type, value:
        case (Type.TRUE, True) | (Type.FALSE, False):
            return b""
        case (Type.STRING, str(text)):
            return _sized(text.encode())
        case (Type.BYTES, bytes(raw)):
            return _sized(raw)
        case (Type.UUID, uuid.UUID(bytes=raw)):
            return raw
        case (type_, int()) if type_ in _NUMBERS and not isinstance(value, bool):
            try:
                return _NUMBERS[type_].pack(value)
            except struct.error:
                raise ValueError(f"{value} does not fit into a {type_.name.lower()}") from None
    raise ValueError(f"{value!r} is no {header.type.name.lower()}")
