"""The grammar of ``.env`` files that most readers agree on.

One setting a line, ``KEY=value``, ``export `` before it allowed; empty lines and lines that begin with ``#`` say
nothing. A value without quotes ends at a blank and ``#`` or at the end of the line, and blanks around it are dropped.
One in single quotes or backticks is taken as it is; in double quotes ``\\n``, ``\\r``, ``\\t``, ``\\"``, ``\\$`` and
``\\\\`` are replaced, and the value may span lines. Lines end with LF, CR LF or CR; a byte order mark is left out.

Any text can be read: what is not allowed becomes a problem, and the rest is read on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .model import Dotenv, Problem, Setting, Severity
from .names import shown

BLANKS = " \t"
_EXPORT = re.compile(r"export[ \t]+")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOSE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_COMMENT = re.compile(r"(?:^|[ \t])#.*", re.DOTALL)
_QUOTED = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^'\n]*)'"),
    "`": re.compile(r"`([^`\n]*)`"),
}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
# A line that is a setting of its own; where one stands inside a quoted value, the quote was not meant to span lines.
_SETTING = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Z_][A-Z0-9_]*[ \t]*=(?!=)(?=.|\Z)", re.MULTILINE)
_ASSIGNS = "Write it as KEY=value, or begin it with # to make it a comment"


def read(text: str) -> Dotenv:
    """The settings and problems of a file's text. Never raises, whatever the text."""
    marked = text.startswith("\ufeff")
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = _Reader(lines)
    if marked:
        reader.problem(
            1,
            "",
            "the file begins with a byte order mark, which some readers make part of the first key",
            "Save it as UTF-8 without one",
            Severity.WARNING,
        )
    settings = tuple(reader.settings())
    return Dotenv(settings, tuple(reader.problems))


@dataclass(slots=True)
class _Value:
    """A value as found in the text; ``lines`` is how many line ends it spans."""

    text: str
    quoted: str = ""
    closed: bool = True
    tail: str = ""
    lines: int = 0
    trailing: bool = False


@dataclass(slots=True)
class _Reader:
    """Goes through the lines; ``problems`` fill up as it goes."""

    lines: Sequence[str]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int, key: str, what: str, mend: str, level: Severity = Severity.ERROR) -> None:
        self.problems.append(Problem(line, key, what, mend, level))

    def settings(self) -> Iterator[Setting]:
        at = 0
        while at < len(self.lines):
            line = self.lines[at].strip(BLANKS)
            if not line or line.startswith("#"):
                at += 1
                continue
            left, equals, right = line.partition("=")
            if not equals:
                self._no_setting(at + 1, line)
                at += 1
                continue
            export = _EXPORT.match(left)
            key = left[export.end() if export else 0 :].rstrip(BLANKS)
            rest = self.lines[at].partition("=")[2]
            value = self._value(at, rest.lstrip(BLANKS))
            if self._key(at + 1, key):
                yield Setting(
                    key=key,
                    value=value.text,
                    line=at + 1,
                    last_line=at + 1 + value.lines,
                    quoted=value.quoted,
                    closed=value.closed,
                    tail=value.tail,
                    exported=export is not None,
                    spaced=left.endswith((" ", "\t")) or bool(value.text and right.startswith((" ", "\t"))),
                    trailing=value.trailing,
                )
            at += 1 + value.lines

    def _no_setting(self, line: int, text: str) -> None:
        name = text.removeprefix("export ").strip(BLANKS)
        if text != name and _KEY.fullmatch(name):
            self.problem(line, shown(name), "is exported and given no value", "Write KEY=value", Severity.WARNING)
        else:
            self.problem(line, "", "this line is no setting: it has no =", _ASSIGNS)

    def _key(self, line: int, key: str) -> bool:
        """Whether this is a key; what is wrong with it goes to the problems."""
        if _KEY.fullmatch(key):
            return True
        if _LOOSE_KEY.fullmatch(key):
            what = "the key has other characters than letters, digits and _, which many readers and every shell refuse"
            self.problem(line, shown(key), what, "Use _ in their place", Severity.WARNING)
            return True
        if not key.strip(BLANKS):
            self.problem(line, "", "there is no key before the =", _ASSIGNS)
        elif any(blank in key for blank in BLANKS):
            self.problem(line, "", "what stands before the = has blanks in it, so it is no key", _ASSIGNS)
        else:
            what = "what stands before the = is no key: a key is letters, digits and _, and begins with no digit"
            self.problem(line, "", what, "Name it by letters, digits and _")
        return False

    def _value(self, at: int, rest: str) -> _Value:
        quote = rest[:1]
        if quote not in _QUOTED:
            said = _COMMENT.sub("", rest)
            return _Value(said.strip(BLANKS), trailing=said == rest and said != said.rstrip(BLANKS))
        whole = rest if quote != '"' else "\n".join((rest, *self._further(at, rest)))
        found = _QUOTED[quote].match(whole)
        if found is None or _SETTING.search(found[1].partition("\n")[2]):
            return _Value(_COMMENT.sub("", rest[1:]).strip(BLANKS), quote, closed=False)
        inner = found[1]
        tail = whole[found.end() :].partition("\n")[0].strip(BLANKS)
        text = _ESCAPE.sub(_unescape, inner) if quote == '"' else inner
        return _Value(text, quote, tail="" if tail.startswith("#") else tail, lines=inner.count("\n"))

    def _further(self, at: int, rest: str) -> Iterator[str]:
        """The lines after this one, up to one that closes the quote or is a setting of its own."""
        if _QUOTED['"'].match(rest):
            return
        for further in range(at + 1, len(self.lines)):
            line = self.lines[further]
            yield line
            if '"' in line.replace('\\"', "") or _SETTING.match(line):
                return


def _unescape(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[0])
