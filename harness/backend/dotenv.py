"""Reading a ``.env`` file, and refusing one whose lines do not say what somebody meant.

One setting a line: ``NAME=value``, with ``export `` before it and blanks around ``=`` allowed. Empty lines and lines
that begin with ``#`` are left out; so is what follows a blank and ``#``. A value in single quotes is taken as it is; in
double quotes ``\\n``, ``\\t``, ``\\"`` and ``\\\\`` are replaced. No value spans lines, no variable is expanded.

No message holds a value: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .settings import SettingsError

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t"}


class DotEnv:
    """Reads files. ``known`` are the names of settings: one of them with ``=`` inside a value is a line of its own."""

    def __init__(self, known: Iterable[str]) -> None:
        self._inside = re.compile(f"({'|'.join(map(re.escape, known)) or '(?!)'})=")

    def read(self, text: str, file: str = ".env") -> dict[str, str]:
        """Name -> value of everything that the file sets.

        Raises:
            SettingsError: a line is malformed, sets what was set before, or holds two settings run together; file,
                line and names are told.
        """
        found: dict[str, str] = {}
        lines: dict[str, int] = {}
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            where = f"{file} line {number}"
            setting = self.line(line.strip(), where)
            if setting is None:
                continue
            name, value = setting
            if name in lines:
                raise SettingsError(f"{where}: {name} was set before, on line {lines[name]}; leave one of the two")
            found[name], lines[name] = value, number
        return found

    def line(self, line: str, where: str) -> tuple[str, str] | None:
        """Name and value of one line; None where it sets nothing."""
        if not line or line.startswith("#"):
            return None
        parts = _LINE.fullmatch(line)
        if parts is None or "\0" in line:
            raise SettingsError(f"{where}: this is not NAME=value")
        return parts[1], self.value(parts[1], parts[2].strip(), where)

    def value(self, name: str, rest: str, where: str) -> str:
        """The value in what follows the ``=``."""
        quoted = _QUOTED.match(rest)
        end = quoted.end() if quoted else 0
        said = rest[:end] + _COMMENT.sub("", rest[end:]).strip()
        self.check(name, said, where)
        if quoted is None and rest[:1] in ("'", '"'):
            raise SettingsError(f"{where}: the value of {name} has no closing quote")
        if quoted is None:
            return said
        if len(said) > end:
            raise SettingsError(f"{where}: something follows the closing quote of {name}")
        if quoted[1] is not None:
            return quoted[1]
        return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), quoted[2])

    def check(self, name: str, value: str, where: str) -> None:
        """Refuse a value with another setting in it: two lines have become one."""
        other = self._inside.search(value)
        if other is not None:
            raise SettingsError(f"{where}: {name} and {other[1]} have run together; give each a line of its own")
