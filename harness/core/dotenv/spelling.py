"""Rules about characters: quotes, blanks, and what cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .model import Problem, Setting, Severity
from .names import shown

_CURLY = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb"
_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")


def stray_quotes(setting: Setting) -> Iterator[Problem]:
    """Quotes that are not a pair around the value."""
    key, line, value = shown(setting.key), setting.line, setting.value
    if setting.quoted and not setting.closed:
        yield Problem(line, key, "the value opens with a quote that is never closed", "Close it, or leave it out")
    elif setting.quoted and setting.tail:
        mend = "Put a # before a comment, or escape a quote that belongs to the value"
        yield Problem(line, key, "something follows the closing quote", mend)
    elif not setting.quoted and value[:1] not in ("{", "["):
        yield from _quotes_inside(line, key, value)


def _quotes_inside(line: int, key: str, value: str) -> Iterator[Problem]:
    if any(char in value for char in _CURLY):
        yield Problem(
            line, key, "the value holds typographic quotes, which no reader takes off", "Use plain ones: \" or '"
        )
    rest = _APOSTROPHE.sub("", value)
    if value[-1:] in ("'", '"') and (rest.count('"') % 2 or rest.count("'") % 2):
        yield Problem(line, key, "the value ends with a quote that was never opened", "Open it, or leave it out")
    elif rest.count('"') % 2 or rest.count("'") % 2:
        yield Problem(
            line, key, "the value holds a quote without its partner", "Leave it out, or quote the whole value"
        )
    elif '"' in value or "'" in value:
        what = "there are quotes inside an unquoted value, which a shell takes off and other readers do not"
        yield Problem(line, key, what, "Quote the whole value", Severity.WARNING)


def stray_spaces(setting: Setting) -> Iterator[Problem]:
    """Blanks that some readers drop, some keep, and a shell stumbles over; and a # that may begin a comment."""
    key, line, value = shown(setting.key), setting.line, setting.value
    if setting.spaced:
        what = "there are blanks around the =, which a shell and docker do not allow"
        yield Problem(line, key, what, "Take them out", Severity.WARNING)
    if setting.quoted:
        if value != value.strip() and value.strip():
            what = "the value begins or ends with a blank inside its quotes"
            yield Problem(line, key, what, "Take it out, unless it is meant", Severity.WARNING)
        return
    if setting.trailing:
        what = "there are blanks after the value, which some readers keep"
        yield Problem(line, key, what, "Take them out", Severity.WARNING)
    if " " in value or "\t" in value:
        what = "there are blanks inside an unquoted value, where a shell ends it"
        yield Problem(line, key, what, "Quote the value", Severity.WARNING)
    if "#" in value:
        what = "there is a # in an unquoted value, where some readers begin a comment"
        yield Problem(line, key, what, "Quote the value", Severity.WARNING)


def invisible(setting: Setting) -> Iterator[Problem]:
    """Characters that nobody sees and every reader keeps; in quotes they may be meant."""
    found = sorted(set(_INVISIBLE.findall(setting.value + setting.tail)) - set("\n\r" if setting.quoted else ""))
    if found:
        names = ", ".join(f"U+{ord(char):04X}{_name(char)}" for char in found[:3])
        level = Severity.WARNING if setting.quoted and setting.closed else Severity.ERROR
        what = f"the value holds characters that cannot be seen: {names}"
        yield Problem(setting.line, shown(setting.key), what, "Type the value again", level)


def _name(char: str) -> str:
    name = unicodedata.name(char, "")
    return f" {name.lower()}" if name else ""
