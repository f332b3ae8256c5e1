"""``harness doctor``: a ``.env`` file checked before anything is started with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import output
from .running import JsonOption

if TYPE_CHECKING:
    from harness.core.dotenv import Dotenv, Problem, Setting

BYTES_MAX = 1_000_000

EnvOption = Annotated[Path, typer.Option("--env", metavar="FILE", help="The file to check.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("doctor")(doctor)


def doctor(env: EnvOption = Path(".env"), json: JsonOption = False) -> int:
    """Check a .env file: settings run together, repeated, misspelt or left out, and secrets in the wrong place.

    What the reference backend would refuse to start with (TIMEOUT_CONNECT_S=abc) is told too.

    No value is ever shown. Exit code 1 where there are errors, 0 where there are only warnings or nothing at all.
    """
    from harness.backend.settings import SETTINGS
    from harness.core.dotenv import Severity, check, read

    dotenv = read(_text(env))
    problems = _with_unusable(dotenv, check(dotenv, SETTINGS))
    if json:
        output.put_json(
            {"file": str(env), "settings": len(dotenv.settings), "problems": [_row(one) for one in problems]}
        )
    else:
        for problem in problems:
            output.say(problem.text(str(env)))
        output.say(_summary(str(env), len(dotenv.settings), problems))
    return 1 if any(problem.level is Severity.ERROR for problem in problems) else 0


def _with_unusable(dotenv: Dotenv, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The problems by line, with what the backend's own reader of settings says where nothing else is wrong."""
    from harness.core.dotenv import Severity

    wrong = {problem.line for problem in problems if problem.level is Severity.ERROR}
    unusable = (_unusable(setting) for setting in dotenv.settings if setting.line not in wrong)
    found = [*problems, *(problem for problem in unusable if problem is not None)]
    return tuple(sorted(found, key=lambda problem: problem.line))


def _unusable(setting: Setting) -> Problem | None:
    """Why the backend cannot use a setting; None where it can, has none of that name, or a variable is in it."""
    from harness.backend.settings import SETTINGS, Settings, SettingsError
    from harness.core.dotenv import Problem

    if setting.key not in SETTINGS or "$" in setting.value:
        return None
    try:
        Settings.from_mapping({setting.key: setting.value})
    except SettingsError as error:
        what = str(error).removeprefix(f"{setting.key} ")
        return Problem(setting.line, setting.key, what, "Give such a value, or take the line out for the usual one")
    return None


def _row(problem: Problem) -> dict[str, str | int]:
    return {
        "line": problem.line,
        "key": problem.key,
        "level": problem.level.value,
        "what": problem.what,
        "mend": problem.mend,
    }


def _summary(file: str, settings: int, problems: tuple[Problem, ...]) -> str:
    counts = [(sum(problem.level.value == level for problem in problems), level) for level in ("error", "warning")]
    said = " and ".join(f"{count} {level}{'' if count == 1 else 's'}" for count, level in counts if count)
    return f"{file}: {settings} setting{'' if settings == 1 else 's'}, {said or 'no problems'}."


def _text(path: Path) -> str:
    """The file's text. Raises UsageError where it cannot be read."""
    from harness.core.errors import UsageError

    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as wrong:
        words = wrong.strerror or type(wrong).__name__
        raise UsageError(f"cannot be read: {words}", where=str(path), fix="Name a file with --env FILE.") from wrong
    if len(content) > BYTES_MAX:
        raise UsageError(f"is larger than {BYTES_MAX:,} bytes, which no .env file is", where=str(path))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise UsageError(
            f"is not UTF-8: byte {wrong.start} cannot be read", where=str(path), fix="Save it as UTF-8."
        ) from wrong
