"""JSON values in a row: whatever was cut off, what is there is a prefix of what the whole holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.framing.jsonlist import Decoded, decode

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"])))
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner))
)


def values(decoded: Decoded) -> list[object]:
    return [json.loads(item.text) for item in decoded.items]


@given(st.lists(VALUES), st.sampled_from([None, 2]))
def test_an_array_is_read_whole(listed: list[object], indent: int | None) -> None:
    body = json.dumps(listed, ensure_ascii=False, indent=indent).encode("utf-8", "replace")
    decoded = decode(b"\r\n " + body + b"\n")
    assert values(decoded) == json.loads(body)
    assert (decoded.closed, decoded.tail) == (True, b"")


@given(st.lists(VALUES, min_size=1), st.data())
def test_what_is_there_of_a_cut_array_is_a_prefix(listed: list[object], data: st.DataObject) -> None:
    body = json.dumps(listed).encode()
    part = body[: data.draw(st.integers(0, len(body) - 1))]
    decoded = decode(part)
    assert not decoded.closed
    assert values(decoded) == json.loads(body)[: len(decoded.items)]
    assert all(part[item.start : item.end].decode() == item.text for item in decoded.items)
    assert decoded.tail in (b"", part[len(part) - len(decoded.tail) :])


@pytest.mark.parametrize(
    ("body", "count", "closed", "tail"),
    [
        (b'{"a": "}"}\n', 1, True, b""),
        (b'{"a": "}', 0, False, b'{"a": "}'),
        (b'[{"a": 1}\n,\r\n{"b": 2}\n]', 2, True, b""),
        (b'[{"a": 1}\n,\r\n{"b": "\\"', 1, False, b'{"b": "\\"'),
        (b"[] and more", 0, True, b"and more"),
        (b"", 0, False, b""),
        (b"[1, 2", 1, False, b"2"),
        (b'{"a": 1}\n{"b": 2}\n', 2, True, b""),
        (b'{"a": 1}\n{"b": ', 1, False, b'{"b": '),
        (b"data: {}", 0, False, b"data: {}"),
    ],
)
def test_ends(body: bytes, count: int, closed: bool, tail: bytes) -> None:
    decoded = decode(body)
    assert (len(decoded.items), decoded.closed, decoded.tail) == (count, closed, tail)


@given(st.binary())
def test_any_bytes_are_taken(body: bytes) -> None:
    decoded = decode(body)
    assert all(0 <= item.start < item.end <= len(body) for item in decoded.items)
