"""JSON values in a row: the elements of an array that is still being written, or one document by itself.

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
    """What a body holds. ``closed`` says whether the array, or the document, has its end; ``tail`` is what follows
    the last whole value, where that is not only space: an element that was cut off, or no JSON at all."""

    items: tuple[Item, ...]
    closed: bool
    tail: bytes = b""


def decode(body: bytes) -> Decoded:
    """The values of a body, complete or not. Takes any bytes."""
    at = _skip(body, 0)
    if body[at : at + 1] == b"[":
        return _array(body, at + 1)
    end = _end(body, at)
    if end is None:
        return Decoded((), closed=False, tail=body[at:])
    return Decoded((_item(body, at, end),), closed=True, tail=body[_skip(body, end) :])


def _array(body: bytes, at: int) -> Decoded:
    items: list[Item] = []
    while True:
        at = _skip(body, at)
        if body[at : at + 1] == b"]":
            return Decoded(tuple(items), closed=True, tail=body[_skip(body, at + 1) :])
        end = _end(body, at)
        if end is None:
            return Decoded(tuple(items), closed=False, tail=body[at:])
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
