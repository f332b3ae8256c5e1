"""JSON values in a row: the elements of an array that is still being written, or objects one after the other.

Some endpoints stream one JSON array, an element at a time (RFC 8259 has no form for that; the array is whole at the
end). An element counts once its last byte is there, so what was read of a longer body is a prefix of what it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENING, _CLOSING = b"{[", b"}]"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]|\\.)*"|[^",\[\]{}\s]+', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*")


@dataclass(frozen=True, slots=True)
class Item:
    """One value: its text, and its bytes in the body (``end`` exclusive)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a body holds. ``closed`` says whether the array, or the last object, has its end; ``tail`` is what follows
    the last whole value, where that is not only space: an element that was cut off, or no JSON at all."""

    items: tuple[Item, ...]
    closed: bool
    tail: bytes = b""


def decode(body: bytes) -> Decoded:
    """The values of a body, complete or not: of an array, or of objects one after the other. Takes any bytes."""
    at = _skip(body, 0)
    if body[at : at + 1] == b"[":
        return _values(body, at + 1, array=True)
    return _values(body, at, array=False)


def _values(body: bytes, at: int, *, array: bool) -> Decoded:
    items: list[Item] = []
    while True:
        at = _skip(body, at)
        first = body[at : at + 1]
        if array and first == b"]":
            return Decoded(tuple(items), closed=True, tail=body[_skip(body, at + 1) :])
        end = _end(body, at) if array or first == b"{" else None
        if end is None:
            rest = body[at:]
            return Decoded(tuple(items), closed=bool(items) and not array and not rest, tail=rest)
        items.append(_item(body, at, end))
        at = end


def _skip(body: bytes, at: int) -> int:
    """Past the space and the commas between values."""
    found = _BETWEEN.match(body, at)
    return found.end() if found else at


def _end(body: bytes, at: int) -> int | None:
    """Where the value that begins here ends; None where that is not there yet, or nothing begins here."""
    first = body[at : at + 1]
    if not first or first not in _OPENING:
        scalar = _SCALAR.match(body, at)
        return scalar.end() if scalar and scalar.end() < len(body) else None
    depth = 0
    for token in _TOKEN.finditer(body, at):
        if token[0] in _OPENING:
            depth += 1
        elif token[0] in _CLOSING:
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _item(body: bytes, start: int, end: int) -> Item:
    return Item(body[start:end].decode("utf-8", "replace"), start, end)
