"""The command ``harness``. Each module holds some commands; what they need is imported when they run.

Exit codes, first that applies: 130 interrupted; 2 usage, configuration or harness error; 1 a contract failed;
3 something was inconclusive; 0 all hold.
"""

from __future__ import annotations

import sys
import traceback

import typer

from harness.core.errors import HarnessError
from harness.core.verdict import ExitCode

from . import catalogue, doctor, judging, reporting, results, running, serving

app = typer.Typer(
    name="harness",
    help="Contract tests, record and replay, and failure analysis for LLM backends.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
INTERRUPTED = 130
_USAGE: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for a command line that it cannot read; it has no public name for all of them."""

for _module in (running, judging, results, reporting, catalogue, serving, doctor):
    _module.register(app)


def main() -> None:
    """Run the command line; every error of ours or of its usage is one line on standard error."""
    try:
        code = app(standalone_mode=False)
    except HarnessError as failure:
        _fail(str(failure))
    except _USAGE as wrong:
        _fail(_usage(wrong))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001 - Python's own exit code for a crash is 1, which means here that a contract failed
        traceback.print_exc()
        _fail("this is a bug of the harness; no verdict was given")
    sys.exit(code or 0)


@app.callback(invoke_without_command=True)
def _top(context: typer.Context) -> None:
    """Contract tests, record and replay, and failure analysis for LLM backends."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _usage(wrong: Exception) -> str:
    """What is wrong with the command line, in one line."""
    words = wrong.format_message() if hasattr(wrong, "format_message") else str(wrong)
    return " ".join(words.split()) + (" Try 'harness --help'." if "Usage:" not in words else "")


def _fail(line: str) -> None:
    sys.stderr.write(f"harness: {line}\n")
    sys.exit(ExitCode.USAGE)
