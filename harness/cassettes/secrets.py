"""What a secret looks like in bytes: known values in every spelling that encoders give them, and well-known shapes.

All of it becomes one regular expression over bytes, of matches with a bounded length, so that a stream can be
searched piece by piece (see ``redact.StreamRedactor``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.core.errors import UsageError

MARKER = re.compile(rb"\[REDACTED:[a-z0-9:-]{1,64}\]")
"""What stands in the place of a secret; its kind says what it was."""

SHORTEST = 6
_KIND = re.compile(r"[a-z0-9:-]{1,64}")
_NEVER_ESCAPED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
_SHORT_ESCAPES = {"\n": b"n", "\r": b"r", "\t": b"t", "\b": b"b", "\f": b"f"}
_LONGEST_SPELLING = 26
"""Bytes that one character of a secret may take in any encoding."""
_BACKSLASHES = rb"\\{1,8}"  # JSON inside JSON doubles them at every level
_TOKEN_BYTES = frozenset(rb"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/=")

SHAPES = {
    "jwt": rb"eyJ[A-Za-z0-9_-]{8,2048}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{0,1024}",
    "openai-key": rb"sk-[A-Za-z0-9_-]{16,512}",
    "groq-key": rb"gsk_[A-Za-z0-9]{16,512}",
    "aws-key": rb"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "google-key": rb"AIza[A-Za-z0-9_-]{35}",
    "chatkit-secret": rb"ek_[A-Za-z0-9]{24,512}",
    "google-token": rb"ya29\.[A-Za-z0-9_.-]{16,2048}",
    # At least one digit: "Bearer authentication" is prose.
    "bearer": rb"(?=[A-Za-z._~+/=-]{0,512}[0-9])[A-Za-z0-9._~+/=-]{16,4096}",
}
"""Shapes of credentials, by the kind that their marker names. Matches hold nothing but ``_TOKEN_BYTES``.

None looks at what follows a match: that may be a secret, and become a marker."""

_AT_WORD_START = rb"(?<![A-Za-z0-9_-])"
_BEFORE = {"bearer": rb"(?<=[Bb]earer )"}
_STARTS = (b"[REDACTED:", b"eyJ", b"sk-", b"gsk_", b"AKIA", b"ASIA", b"AIza", b"ya29.", b"ek_")
_BEARER = b"earer "
_LITERAL = re.compile("[A-Za-z0-9_.~-]+")

LONGEST_SHAPE = 2048 + 8192 + 1024 + 16
CONTEXT = 16
"""How many bytes before a match the shapes look at, at most."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not reach the disk, and what it is: ``provider-key``, ``user-token``, ...

    Raises:
        UsageError: a kind of other characters than ``a-z0-9:-``, or a value too short to be told from other text.
    """

    kind: str
    value: str

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise UsageError(f"'{self.kind}' is no kind of secret", fix="Use small letters, digits, ':' and '-'.")
        if len(self.value) < SHORTEST:
            raise UsageError(f"a {self.kind} of fewer than {SHORTEST} characters cannot be told from other text")


@dataclass(frozen=True, slots=True)
class Seed:
    """A literal, and where a match that has it can begin, counted from the literal's begin."""

    literal: bytes
    offsets: range = range(1)

    def places(self, data: bytes | bytearray, start: int) -> Iterator[int]:
        """Where a match with this seed can begin, from a little before ``start`` on."""
        at = data.find(self.literal, max(0, start - CONTEXT))
        while at >= 0:
            for offset in self.offsets:
                yield at + offset
            at = data.find(self.literal, at + 1)


@dataclass(frozen=True, slots=True)
class Search:
    """One expression for all secrets and shapes.

    ``pattern`` finds the next of them; ``adjacent`` is the same for the place where one has just ended, which counts
    as the start of a word. ``tokens`` is ``pattern`` without markers.
    ``kinds`` is the kind of each group by its name; a match of no group is a marker that was there before.
    ``breaks`` translates bytes: to 0 those that no match can hold, to 1 the others.
    ``longest`` bounds the length of any match, in bytes.
    ``seeds`` are literals of which every match has one in it or right before it: most data has none.
    """

    pattern: re.Pattern[bytes]
    adjacent: re.Pattern[bytes]
    tokens: re.Pattern[bytes]
    kinds: dict[str, str]
    breaks: bytes
    longest: int
    seeds: tuple[Seed, ...]

    def places(self, data: bytes | bytearray, start: int) -> Iterable[int]:
        """Where a match can begin, from ``start`` on, in order. Only there is an expression tried: a body of megabytes
        in which there is a seed by chance (base64 of JSON begins with one) is not searched byte by byte.
        """
        found = [seed for seed in self.seeds if seed.literal in data]
        if not found:
            return ()
        if any(not seed.literal for seed in found):
            return range(start, len(data))
        return sorted({place for seed in found for place in seed.places(data, start) if place >= start})


def build(secrets: Iterable[Secret]) -> Search:
    """The search for these secrets and all shapes. Longer secrets win over those that they begin with."""
    known = sorted(set(secrets), key=lambda secret: (-len(secret.value), secret.value, secret.kind))
    kinds = [*(secret.kind for secret in known), *(f"pattern:{kind}" for kind in SHAPES)]
    names = [f"g{number}" for number in range(len(kinds))]
    values = [b"".join(map(_spellings, secret.value)) for secret in known]
    words = [*values, *(_BEFORE.get(kind, _AT_WORD_START) + shape for kind, shape in SHAPES.items())]
    follow = [*values, *(_BEFORE.get(kind, b"") + shape for kind, shape in SHAPES.items())]
    tokens = _either(names, words)
    used = set(_TOKEN_BYTES) | set(b"[]:\\%+" if known else b"[]:")
    used |= {byte for secret in known for byte in secret.value.encode("utf-8", "surrogatepass")}
    return Search(
        pattern=re.compile(MARKER.pattern + b"|" + tokens),
        adjacent=re.compile(MARKER.pattern + b"|" + _either(names, follow)),
        tokens=re.compile(tokens),
        kinds=dict(zip(names, kinds, strict=True)),
        breaks=bytes(byte in used for byte in range(256)),
        longest=max([LONGEST_SHAPE, *(_LONGEST_SPELLING * len(secret.value) for secret in known)]),
        seeds=(*map(Seed, _STARTS), Seed(_BEARER, _right_after(_BEARER)), *(_seed(secret.value) for secret in known)),
    )


def _either(names: list[str], expressions: list[bytes]) -> bytes:
    pairs = zip(names, expressions, strict=True)
    return b"|".join(b"(?P<%s>%s)" % (name.encode(), expression) for name, expression in pairs)


def _right_after(literal: bytes) -> range:
    return range(len(literal), len(literal) + 1)


def _seed(value: str) -> Seed:
    """The longest part of a secret that no encoder changes; empty, which is in everything, where there is none."""
    literal = max(_LITERAL.findall(value), key=len, default="")
    return Seed(literal.encode(), range(-_LONGEST_SPELLING * value.index(literal), 1))


def _spellings(char: str) -> bytes:
    """An expression for one character as it is, in JSON and in an address. At most 26 bytes match."""
    raw = char.encode("utf-8", "surrogatepass")
    if raw[0] in _NEVER_ESCAPED:
        return re.escape(raw)
    units = char.encode("utf-16-be", "surrogatepass")
    escapes = [
        _BACKSLASHES + b"u(?i:%04x)" % int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)
    ]
    ways = [b"".join(escapes), b"".join(b"%%(?i:%02x)" % byte for byte in raw)]
    if char in _SHORT_ESCAPES:
        ways.append(_BACKSLASHES + _SHORT_ESCAPES[char])
    elif char in '"/':
        ways.append(_BACKSLASHES + re.escape(raw))
    elif char == "\\":
        ways.append(_BACKSLASHES)
    elif char == " ":
        ways.append(rb"\+")
    ways.append(re.escape(raw))
    return b"(?:" + b"|".join(ways) + b")"
