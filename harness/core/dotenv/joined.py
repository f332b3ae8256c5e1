"""Settings that have run together on one line: ``MODEL=llama-3.1-8b-instantPORT=4000``.

A value may hold ``=`` for good reasons: the query of an address, padding of base64, flags, JSON, the parts of a
connection string. So a further key counts only where it cannot well be one of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .model import Setting

_EQUALS = re.compile("=")
_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_BEFORE = 160  # characters before a "=" that are looked at: a value may be of any length
_KEYS = 5
_PART_OF_SOMETHING = frozenset("?&;,#%{[\"'")  # a query, a connection string, a comment, JSON
_IN_A_FLAG = re.compile(r"(?:^|[ \t])-[^ \t]*$")
_ENDS_A_VALUE = re.compile(r"[a-z0-9/) \t=]")
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """The value up to the first further key, and the further keys in order."""

    value: str
    keys: tuple[str, ...]


def joined(setting: Setting, known: frozenset[str]) -> Cut | None:
    """Where a setting's line holds further settings; None where it does not.

    Looked at is an unquoted value, or what follows the closing quote.
    """
    text = setting.tail if setting.quoted and setting.closed else setting.value
    if text[:1] in ("{", "["):
        return None
    found = list(islice(_keys(text, known), _KEYS))
    if not found:
        return None
    value = setting.value if setting.quoted and setting.closed else text[: found[0][0]].rstrip(" \t")
    return Cut(value, tuple(key for _, key in found))


def _keys(text: str, known: frozenset[str]) -> Iterator[tuple[int, str]]:
    """(position, key) of each setting that begins inside the text."""
    for sign in _EQUALS.finditer(text):
        near = text[max(0, sign.start() - _BEFORE) : sign.start()]
        name = _NAME.search(near)
        if name is not None:
            key = _key(name[0], near[: name.start()], text[sign.end() : sign.end() + 1], known)
            if key is not None:
                yield sign.start() - len(key), key


def _key(whole: str, before: str, assigned: str, known: frozenset[str]) -> str | None:
    """The key that a name before a ``=`` is, or ends in; None where it is none. ``assigned`` is what comes first then.

    Capitals before a known key belong to the value before it, unless the whole may be a key as well: ``...nPORT=`` and
    ``...8B1PORT=`` set PORT, ``...nSUPPORT=`` does not.
    """
    if assigned == "=" or before[-1:] in _PART_OF_SOMETHING or _IN_A_FLAG.search(before):
        return None
    ends = [whole[at:] for at in range(len(whole)) if whole[at:] in known]
    if ends and (ends[0] == whole or whole[-len(ends[0]) - 1].isdigit()):
        return ends[0]
    if _may_be_key(whole, before, assigned):
        return whole
    return ends[0] if ends and len(ends[0]) >= _SHORTEST else None


def _may_be_key(whole: str, before: str, assigned: str) -> bool:
    """Whether an unknown name is a key of its own: something ends before it, and something is set."""
    long = "_" in whole.strip("_") or len(whole) >= _SHORTEST
    return long and _ENDS_A_VALUE.match(before[-1:]) is not None and assigned.strip() != ""
