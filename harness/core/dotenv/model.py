"""What a ``.env`` file holds, and what may be wrong with it. No ``repr`` and no problem shows a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """Whether a problem makes the file unusable, or only doubtful."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    ``value`` is without quotes, escapes and comment. ``line`` counts from 1; ``last_line`` differs from it where a
    quoted value spans lines. ``quoted`` is the quote around the value, empty where there is none; ``closed`` is False
    where it was opened and never closed (the value then ends with its line). ``tail`` is what stands between the
    closing quote and the end of the line or the comment. ``spaced``: there are blanks around the ``=``; ``trailing``:
    there are some after an unquoted value.
    """

    key: str
    value: str = field(repr=False)
    line: int
    last_line: int
    quoted: str = ""
    closed: bool = True
    tail: str = field(default="", repr=False)
    exported: bool = False
    spaced: bool = False
    trailing: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong: where, with which key (empty where the line has none), what, and how to mend it.

    ``what`` and ``mend`` are sentences without their full stop.
    """

    line: int
    key: str
    what: str
    mend: str
    level: Severity = Severity.ERROR

    def text(self, file: str) -> str:
        """One line: ``FILE:LINE: KEY: what. mend.``; a warning says that it is one."""
        key = f"{self.key}: " if self.key else ""
        warning = "warning: " if self.level is Severity.WARNING else ""
        return f"{file}:{self.line}: {key}{warning}{self.what}. {self.mend}."


@dataclass(frozen=True, slots=True)
class Dotenv:
    """A file as read: its settings in order, repeats kept, and what its grammar does not allow."""

    settings: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()
