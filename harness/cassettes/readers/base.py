"""What a reader of a foreign format is given, what it gives back, and the pieces that readers share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

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
    Side,
    Source,
)

from .documents import load_json, load_yaml

Unread = tuple[str, str]
"""Where something was not read, and why, in words."""

_TOP_KEY = re.compile(r"^([A-Za-z_]\w*)\s*:(?:\s|$)", re.MULTILINE)
_SNIFFED_CHARS = 1 << 20

T = TypeVar("T")


class Sample:
    """One file's bytes, unpacked, with what format detection wants to know of them. Only ``document`` raises."""

    def __init__(self, name: str, data: bytes, path: Path | None = None) -> None:
        self.name = name
        self.data = data
        self.path = path
        """Where the file lies, for formats that keep bodies in files beside it; None for bytes from elsewhere."""
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
    def documents(self) -> list[Json]:
        """Every document: the one of JSON, or those of YAML.

        Raises:
            CassetteError: the bytes are neither, or beyond the bounds of ``documents``.
        """
        if self.text is None:
            raise CassetteError("not UTF-8 text", where=self.name)
        return [load_json(self.text, self.name)] if self.is_json else load_yaml(self.text, self.name)

    @property
    def document(self) -> Json:
        """The first document; raises as ``documents`` does."""
        return self.documents[0] if self.documents else None

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

    ``looks_like`` never raises. ``read`` raises CassetteError where the file as a whole cannot be read.
    """

    name: str
    title: str
    looks_like: Callable[[Sample], bool]
    read: Callable[[Sample], Foreign]


class Unreadable(CassetteError):
    """One interaction of a file cannot be read; the others can."""


def foreign(sample: Sample, format_name: str, exchanges: Iterable[Exchange], unread: Iterable[Unread]) -> Foreign:
    """The result of a reader, marked as a stranger's recording."""
    header = Header(source=Source.THIRD_PARTY, recorder=format_name)
    recording = Recording(header=header, exchanges=tuple(exchanges), name=sample.name)
    return Foreign(path=sample.name, format=format_name, recording=recording, unread=tuple(unread))


def read_each(
    sample: Sample, format_name: str, things: Iterable[T], make: Callable[[int, T], Exchange], what: str = "interaction"
) -> Foreign:
    """Every interaction as an exchange; those that cannot be read are named, by their number from 1, with the reason.

    Raises:
        CassetteError: what ``make`` raises of the file as a whole.
    """
    exchanges: list[Exchange] = []
    unread: list[Unread] = []
    for number, thing in enumerate(things, 1):
        try:
            exchanges.append(make(number, thing))
        except Unreadable as why:
            unread.append((f"{what} {number}", why.what))
    return foreign(sample, format_name, exchanges, unread)


def provider_exchange(
    number: int, request: Request, response: Response, fidelity: Fidelity, ended_ns: int = 0
) -> Exchange:
    """A stranger's interaction as provider traffic: complete as far as anybody knows.

    Times that nobody wrote down are 0. Whose API it is and which call is not for a reader to say: ``operation`` is
    empty until it was classified.
    """
    return Exchange(
        id=f"p{number}",
        side=Side.PROVIDER,
        operation="",
        request=request,
        response=response,
        ending=Ending.EOF,
        ended_ns=ended_ns,
        fidelity=fidelity,
    )


def mapping(value: Json) -> dict[str, Json]:
    """A mapping, or an empty one for anything else: a stranger's file has any shape."""
    return value if isinstance(value, dict) else {}


def status_code(value: Json) -> int:
    """A response's status code.

    Raises:
        Unreadable: there is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable("the response has no status code")
    return value


def text_or_empty(value: Json) -> str:
    """A text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def header_pairs(fields: Json) -> Headers:
    """Header fields of a mapping (name to a value or a list of values) or a list of name-value objects, in order."""
    if isinstance(fields, dict):
        return tuple((str(name), value) for name, values in fields.items() for value in _values(values))
    if isinstance(fields, list):
        return tuple(
            (str(field.get("name", "")), _text(field.get("value", ""))) for field in fields if isinstance(field, dict)
        )
    return ()


def _values(values: Json) -> list[str]:
    return [_text(value) for value in values] if isinstance(values, list) else [_text(values)]


def _text(value: Json) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    try:
        return "" if value is None else str(value)
    except ValueError as wrong:  # an integer of thousands of digits
        raise Unreadable(f"a header field cannot be written: {wrong}") from wrong
