"""Request bodies that are wrong, or strange, in the same way for every system that takes JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DEEP_LEVELS = 10_000
HUGE_CHARACTERS = 21 * 1024 * 1024
BAD_TOKENS = ("expired", "not-yet-valid", "foreign-key", "unsigned", "garbage")
"""Kinds of token that open nothing, beside none at all."""


def bad_bytes(good: bytes, field: str) -> Mapping[str, bytes]:
    """Kind -> a body that cannot be right, made of a good one. No field can be named in the answer."""
    return MappingProxyType(
        {
            "not-json": b"model=gpt",
            "empty-body": b"",
            "json-not-an-object": b'["a list"]',
            "truncated-json": good[: len(good) // 2],
            "not-utf8": b'{"%s": "\xff\xfe"}' % field.encode(),
            "deep-nesting": b'{"%s": %s%s}' % (field.encode(), b"[" * DEEP_LEVELS, b"]" * DEEP_LEVELS),
        }
    )


@dataclass(frozen=True, slots=True)
class Odd:
    """A body that may be read in two ways: ``tail`` follows the text ``times`` over, or every key comes twice.

    With ``unknown`` it has fields that nobody knows, which everybody must leave alone.
    """

    kind: str
    tail: str = ""
    times: int = 1
    repeat: bool = False
    unknown: bool = False

    def text(self, text: str) -> str:
        """What the user says."""
        return text + self.tail * self.times

    def raw(self, body: Mapping[str, Any]) -> bytes:
        """The bytes, from a body with that text in it."""
        raw = json.dumps({**body, "shoe_size": 42, "x-note": {"of": ["ours"]}} if self.unknown else body)
        return (f"{raw[:-1]}, {raw[1:]}" if self.repeat else raw).encode()


ODD_BODIES = (
    Odd("lone-surrogate", " \ud800"),  # RFC 8259, 8.2: unpredictable
    Odd("nul-character", " \0"),  # a text column of PostgreSQL cannot hold it
    Odd("duplicate-keys", repeat=True),  # RFC 8259, 4: unpredictable
    Odd("unknown-fields", unknown=True),
    Odd("twenty-megabytes", " sea", HUGE_CHARACTERS // 4),
)
"""The strange kinds."""
