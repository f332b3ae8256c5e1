"""Go's httprr: raw HTTP messages behind their lengths, as Go wrote them down.

The first line is ``httprr trace v1``. Every record is a line with the two lengths in bytes, then the request (its
target is the whole URL) and the response, both as HTTP/1.1 whatever was spoken. Chunks in them are those that Go read
from its buffers, not those of the wire. Go has unpacked the body before, with rare exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Headers, Request, Response

from .base import Foreign, Format, Sample, Unreadable, provider_exchange, read_each
from .bodies import Room, whole, without_coding

NAME = "httprr"

_MAGIC = b"httprr trace v"
_LENGTHS = re.compile(rb"(\d{1,12}) (\d{1,12})\r?\n")
_REQUEST_LINE = re.compile(r"(\S+) (\S+) HTTP/\d(?:\.\d)?")
_STATUS_LINE = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})(?: (.*))?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")

Record = tuple[bytes, bytes]


def looks_like(sample: Sample) -> bool:
    """Whether the first line says so."""
    return sample.data.startswith(_MAGIC)


def read(sample: Sample) -> Foreign:
    """Every record as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: it is of another version, or the lengths do not fit the file.
    """
    first, _, _ = sample.data.partition(b"\n")
    if first.strip() != _MAGIC + b"1":
        raise CassetteError(f"version {first[len(_MAGIC) :][:20]!r} of httprr is not known", where=sample.name)
    room = Room()
    return read_each(sample, NAME, _records(sample), lambda number, one: _exchange(number, one, room), "record")


FORMAT = Format(NAME, "Go's httprr", looks_like, read)


def _records(sample: Sample) -> Iterator[Record]:
    data = sample.data
    at = data.find(b"\n") + 1 or len(data)
    while at < len(data):
        lengths = _LENGTHS.match(data, at)
        if lengths is None:
            raise CassetteError(f"no lengths of a record at byte {at}", where=sample.name)
        middle = lengths.end() + int(lengths[1])
        end = middle + int(lengths[2])
        if end > len(data):
            raise CassetteError(f"the record at byte {at} is cut short", where=sample.name)
        yield data[lengths.end() : middle], data[middle:end]
        at = end


def _exchange(number: int, record: Record, room: Room) -> Exchange:
    asked, sent_headers, request_body = _message(record[0], room)
    answered, headers, body = _message(record[1], room)
    request_line, status_line = _REQUEST_LINE.fullmatch(asked), _STATUS_LINE.fullmatch(answered)
    if request_line is None or status_line is None:
        raise Unreadable("not a request line and a status line")
    response = Response(
        status=int(status_line[1]),
        reason=status_line[2] or "",
        headers=without_coding(headers),
        body=body,
        segments=whole(body),
    )
    request = Request(request_line[1].upper(), request_line[2], without_coding(sent_headers), request_body)
    return provider_exchange(number, request, response, Fidelity.BODY)


def _message(data: bytes, room: Room) -> tuple[str, Headers, bytes]:
    """A message's first line, its header fields without those of framing, and its decoded body.

    A length that the header section gives is not held against the body: recordings have had secrets cut out.
    """
    head_end = _HEAD_END.search(data)
    if head_end is None:
        raise Unreadable("a message has no end of its header section")
    first, *lines = data[: head_end.start()].decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    pairs = [line.partition(":") for line in lines]
    headers = tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)
    body = data[head_end.end() :]
    if any(name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in headers):
        body = b"".join(_chunks(body))
        headers = tuple((name, value) for name, value in headers if name.lower() != "transfer-encoding")
    return first, headers, room.decode(body, headers)


def _chunks(data: bytes) -> Iterator[bytes]:
    """The chunks of a chunked body (RFC 9112, 7.1), without its trailer section."""
    at = 0
    while True:
        size = _CHUNK_SIZE.match(data, at)
        if size is None:
            raise Unreadable(f"no size of a chunk at byte {at} of the body")
        length = int(size[1], 16)
        if length == 0:
            return
        end = size.end() + length
        if end > len(data):
            raise Unreadable("the body is cut short in a chunk")
        yield data[size.end() : end]
        at = end + (2 if data[end : end + 2] == b"\r\n" else data[end : end + 1] == b"\n")
