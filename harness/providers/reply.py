"""What a simulated model says: the same for the same request, whatever protocol carries it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_TEXT = (
    "Tide mark {mark}: ",
    "waves arrive ",
    "in their own time, ",
    "the café by the pier ",
    "writes 海 and 漢 ",
    "on its board, ",
    "a gull 🕊 ",
    "answers twice.",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer. ``pieces`` are the content events of a stream, and joined the text of a plain answer."""

    pieces: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    model: str
    finish_reason: str = "stop"

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


def count_tokens(text: str) -> int:
    """Simulated models have one token for each byte of UTF-8.

    Plain, monotonous, and far from the estimate of characters / 4: who estimates where usage was given is seen.
    """
    return len(text.encode("utf-8", "replace"))


def default_reply(model: str, prompt: str, *, max_tokens: int | None = None) -> Reply:
    """Eight pieces, some with characters of two, three and four bytes; the first one holds a mark of the prompt.

    So no two requests with different tags get the same text, however short it was cut. As real models do, it stops
    at ``max_tokens`` with finish reason ``length`` (but not before its first piece).
    """
    pieces = (_TEXT[0].format(mark=digest(prompt)[:8]), *_TEXT[1:])
    total = sum(count_tokens(piece) for piece in pieces)
    asked = max(1, count_tokens(prompt))
    if max_tokens is None or total <= max_tokens:
        return Reply(pieces, asked, total, model)
    kept = 1
    while sum(count_tokens(piece) for piece in pieces[: kept + 1]) <= max_tokens:
        kept += 1
    return Reply(pieces[:kept], asked, max(1, max_tokens), model, "length")


def digest(*parts: object) -> str:
    """64 hex digits that stand for these parts: what simulated ids and times are made from."""
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()
