"""What is checked in a ``.env`` file that can be read: the mistakes that show only later, somewhere else.

Each rule looks at one setting and yields problems; no problem holds a value, for it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from .joined import joined
from .model import Dotenv, Problem, Setting, Severity
from .names import KNOWN, shown
from .spelling import invisible, stray_quotes, stray_spaces
from .values import empty_secret, misplaced_secret, placeholder, port, url

Rule = Callable[[Setting], Iterator[Problem]]

SPELLING: tuple[Rule, ...] = (stray_quotes, stray_spaces, invisible)
VALUES: tuple[Rule, ...] = (placeholder, empty_secret, port, url)


def check(dotenv: Dotenv, known: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Everything that is wrong with a file, by line: what its reading found, and what its settings hold.

    ``known`` are further names of settings: such a name before a ``=`` inside a value is a setting of its own. General
    names (``LIKE_THIS``) are found without being known where what stands before them ends in another way.
    """
    names = KNOWN | frozenset(known)
    found = [*dotenv.problems, *_repeated(dotenv.settings)]
    redirected = _redirected(dotenv.settings)
    for setting in dotenv.settings:
        cut = joined(setting, names)
        if cut is not None:
            found.append(_run_together(setting, cut.keys))
            setting = replace(setting, value=cut.value, tail="", trailing=False)
        found += [problem for rule in SPELLING for problem in rule(setting)]
        if "$" not in setting.value:  # what a variable will hold is not known here
            found += [problem for rule in VALUES for problem in rule(setting)]
            found += misplaced_secret(setting, redirected)
    return tuple(sorted(found, key=lambda problem: problem.line))


def _run_together(setting: Setting, keys: tuple[str, ...]) -> Problem:
    names = [shown(key) for key in (setting.key, *keys)]
    several = f"{', '.join(names[:-1])} and {names[-1]} have run together on one line"
    lines = "a line of its own" if len(names) == 2 else "lines of their own"
    return Problem(setting.line, names[0], several, f"Put {' and '.join(names[1:])} on {lines}")


def _repeated(settings: Iterable[Setting]) -> Iterator[Problem]:
    first: dict[str, Setting] = {}
    for setting in settings:
        earlier = first.setdefault(setting.key, setting)
        if earlier is setting:
            continue
        same = earlier.value == setting.value
        what = f"is set on line {earlier.line} too, to {'the same value' if same else 'another value'}"
        mend = "Leave one of the two" if same else "Leave one of the two: which of them counts depends on the reader"
        yield Problem(setting.line, shown(setting.key), what, mend, Severity.WARNING if same else Severity.ERROR)


def _redirected(settings: Iterable[Setting]) -> bool:
    """Whether OpenAI's client is pointed elsewhere: its key is then whatever that place asks for."""
    return any(
        setting.key in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_URL")
        and setting.value
        and "api.openai.com" not in setting.value
        for setting in settings
    )
