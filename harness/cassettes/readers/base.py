"""What a reader of a foreign format is given, what it gives back, and the pieces that readers share."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from harness.core.errors import CassetteError
from harness.core.recording import (
    Ending,
    Exchange,
    Fidelity,
    Header,
    Headers,
    Json,
    Recording,
    Request,
    Response,
    Segment,
    Side,
    Source,
)

from .documents import MAX_BYTES, load_json, load_yaml

Unread = tuple[str, str]
"""Where something was not read, and why, in words."""

_TOP_KEY = re.compile(r"^([A-Za-z_]\w*)\s*:(?:\s|$)", re.MULTILINE)
_SNIFFED_CHARS = 1 << 20


class Sample:
    """One file's bytes, unpacked, with what format detection wants to know of them. Only ``document`` raises."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.trouble = ""
        """Why the document could not be loaded, once that was tried."""

    @cached_property
    def text(self) -> str | None:
        """The bytes as UTF-8 text, or None where they are not."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None

    @cached_property
    def is_json(self) -> bool:
        """Whether the text begins as a JSON array or object does. (A YAML flow collection does too.)"""
        return self.data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of the outermost mapping; for YAML they are found without loading it."""
        if self.is_json:
            document = self.loaded
            return frozenset(str(key) for key in document) if isinstance(document, dict) else frozenset()
        return frozenset(_TOP_KEY.findall((self.text or "")[:_SNIFFED_CHARS]))

    @cached_property
    def document(self) -> Json:
        """The first document, as JSON or YAML.

        Raises:
            CassetteError: the bytes are neither, or beyond the bounds of ``documents``.
        """
        if self.text is None:
            raise CassetteError("not UTF-8 text", where=self.name)
        if self.is_json:
            return load_json(self.text, self.name)
        documents = load_yaml(self.text, self.name)
        return documents[0] if documents else None

    @cached_property
    def loaded(self) -> Json:
        """The first document, or None where it cannot be loaded."""
        try:
            return self.document
        except CassetteError as wrong:
            self.trouble = wrong.what
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A stranger's file, read: what could be read of it as one recording, and what could not, with the reason."""

    path: str
    format: str
    recording: Recording
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One foreign format. Adding one is a module with such an entry, and its name in ``formats.FORMATS``.

    ``looks_like`` never raises. ``read`` is None for a format that is recognised and not read yet; it raises
    CassetteError where the file as a whole cannot be read.
    """

    name: str
    title: str
    looks_like: Callable[[Sample], bool]
    read: Callable[[Sample], Foreign] | None = None


class Unreadable(CassetteError):
    """One interaction of a file cannot be read; the others can."""


def foreign(sample: Sample, format_name: str, exchanges: Iterable[Exchange], unread: Iterable[Unread]) -> Foreign:
    """The result of a reader, marked as a stranger's recording."""
    header = Header(source=Source.THIRD_PARTY, recorder=format_name)
    recording = Recording(header=header, exchanges=tuple(exchanges), name=sample.name)
    return Foreign(path=sample.name, format=format_name, recording=recording, unread=tuple(unread))


def provider_exchange(number: int, request: Request, response: Response, fidelity: Fidelity) -> Exchange:
    """A stranger's interaction as provider traffic: complete as far as anybody knows, times and boundaries unknown.

    Whose API it is and which call is not for a reader to say: ``operation`` is empty until it was classified.
    """
    return Exchange(
        id=f"p{number}",
        side=Side.PROVIDER,
        operation="",
        request=request,
        response=response,
        ending=Ending.EOF,
        ended_ns=0,
        fidelity=fidelity,
    )


def whole(body: bytes) -> tuple[Segment, ...]:
    """The segments of a body whose boundaries nobody wrote down: one, or none for an empty body."""
    return (Segment(len(body), 0),) if body else ()


def header_pairs(fields: Json) -> Headers:
    """Header fields of a mapping (name to a value or a list of values) or a list of name-value objects, in order."""
    if isinstance(fields, dict):
        return tuple((str(name), value) for name, values in fields.items() for value in _values(values))
    if isinstance(fields, list):
        return tuple(
            (str(field.get("name", "")), _text(field.get("value", ""))) for field in fields if isinstance(field, dict)
        )
    return ()


def without_coding(headers: Headers) -> Headers:
    """The header fields without the content coding, for a body that is given decoded."""
    return tuple((name, value) for name, value in headers if name.lower() != "content-encoding")


def decode_content(body: bytes, headers: Headers) -> bytes:
    """A body without its content coding. Many recorders decode the body and keep the header: told by the magic.

    Raises:
        Unreadable: the coding is one that the standard library has no decoder for, or the bytes are broken.
    """
    coding = next((value.strip().lower() for name, value in headers if name.lower() == "content-encoding"), "identity")
    if not body or coding == "identity":
        return body
    if coding in ("gzip", "x-gzip"):
        return inflate(body, zlib.MAX_WBITS | 16) if body[:2] == b"\x1f\x8b" else body
    if coding == "deflate":
        return inflate(body, zlib.MAX_WBITS) if body[:1] == b"\x78" else body
    if _is_text(body):
        return body
    raise Unreadable(f"the body is coded as {coding}, for which there is no decoder")


def inflate(data: bytes, wbits: int) -> bytes:
    """Unpack gzip or zlib data, to at most ``documents.MAX_BYTES``.

    Raises:
        Unreadable: the data is broken, cut short, or larger.
    """
    parts: list[bytes] = []
    size = 0
    try:
        while data:
            unpacker = zlib.decompressobj(wbits)
            part = unpacker.decompress(data, MAX_BYTES + 1 - size)
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise Unreadable(f"unpacks to more than {MAX_BYTES >> 20} MiB")
            if not unpacker.eof:
                raise Unreadable("the compressed data is cut short")
            data = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as wrong:
        raise Unreadable(f"the compressed data is broken: {wrong}") from wrong
    return b"".join(parts)


def as_bytes(value: Json) -> bytes:
    """A recorded body as bytes: text is UTF-8, with lone surrogates kept as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None:
        return b""
    raise Unreadable(f"the body is a {type(value).__name__}, not text or bytes")


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _values(values: Json) -> list[str]:
    return [_text(value) for value in values] if isinstance(values, list) else [_text(values)]


def _text(value: Json) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
