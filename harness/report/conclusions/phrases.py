"""Figures as parts of sentences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from harness.results.stats import Estimate, Rate

_MARKUP = "\\`*_[]<>#|~"
_ESCAPED = re.compile(rf"\\([{re.escape(_MARKUP)}])")


@dataclass(frozen=True)
class Words:
    """Sentences in Markdown: what a notebook shows, a page prints and a summary holds.

    What comes after a line's end in a sentence are commands. ``answer``: the first sentence is one, and stands out.
    """

    sentences: tuple[str, ...]
    answer: bool = True

    def __str__(self) -> str:
        """One sentence a line, for a terminal."""
        return _ESCAPED.sub(r"\1", "\n".join(self.sentences).replace("\n`", "\n  `"))

    def __iter__(self) -> Iterator[str]:
        return iter(self.sentences)

    def markdown(self) -> str:
        """The first as a paragraph that stands out, the others as a list."""
        first, *more = self.sentences or ("",)
        items = ("- " + "  \n  ".join(one.split("\n")) for one in more)
        return "\n".join([f"**{first}**" if self.answer else first, "", *items])

    def html(self) -> str:
        """The same as HTML."""
        first, *more = (_html(one) for one in self.sentences or ("",))
        items = "".join(f"<li>{one}</li>" for one in more)
        return f'<p class="answer">{first}</p><ul>{items}</ul>' if items else f'<p class="answer">{first}</p>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        return {"text/markdown": self.markdown(), "text/plain": str(self)}


def _html(sentence: str) -> str:
    """Code marks become elements, line ends breaks; all else is text."""
    parts = re.split(r"(?<!\\)`", sentence)
    words = [
        f"<code>{escape(part)}</code>" if at % 2 else escape(_ESCAPED.sub(r"\1", part)) for at, part in enumerate(parts)
    ]
    return "".join(words).replace("\n", "<br>")


def ms(value: float) -> str:
    """A time with its unit: below a second in ms, in three digits."""
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 99.5 else f"{value:.3g} ms"


def interval_ms(found: Estimate) -> str:
    """The interval of a time: ``95 % interval 12 ms to 15 ms``; which end is not known is said."""
    match found.low, found.high:
        case None, None:
            return "too few for an interval"
        case None, high:
            return f"95 % interval up to {ms(high or 0)}"
        case low, None:
            return f"95 % interval from {ms(low or 0)} up"
        case low, high:
            return f"95 % interval {ms(low)} to {ms(high)}"


def share(found: Rate, nouns: str) -> str:
    """A share with its interval: ``18 of 20 calls (90 %, 95 % interval 70 to 97)``."""
    told = f"{found.count:,} of {found.n:,} {nouns}"
    if found.value is None or found.low is None or found.high is None:
        return told
    return f"{told} ({percent(found.value)} %, 95 % interval {percent(found.low)} to {percent(found.high)})"


def percent(part: float) -> str:
    """A share in percent, without the sign: ``0.6``, ``12``."""
    return f"{part * 100:.1f}" if 0 < part < 0.0995 or 0.995 <= part < 1 else f"{part * 100:.0f}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in code marks, joined by commas; the rest is counted."""
    words = [f"`{name}`" for name in names[:most]]
    if len(names) > most:
        words.append(f"{len(names) - most} more")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def code(name: object) -> str:
    """A name as it is typed."""
    return f"`{os.fspath(name) if isinstance(name, os.PathLike) else name}`"


def quoted(sentence: str) -> str:
    """A contract's sentence inside one of ours: on one line, with nothing that Markdown or a terminal would read."""
    words = "".join(char if char.isprintable() else " " for char in sentence).split()
    return "\u201c" + "".join(f"\\{char}" if char in _MARKUP else char for char in " ".join(words)) + "\u201d"
