"""A bar on standard error while something lasts: for people, and gone at the end."""

import json
import re
from io import StringIO

import pytest
from rich.console import Console

from harness.cli import output

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def terminal(monkeypatch) -> StringIO:
    """What is written to a standard error that is a terminal."""
    written = StringIO()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(output, "console", lambda *, err=False: Console(file=written, force_terminal=err, width=100))
    return written


def test_a_terminal_sees_how_far_it_is_and_the_bar_goes_away(terminal):
    with output.progress("checking [these]") as tell:
        tell(2, 5, "the [last] one")
    text = ESCAPES.sub("", terminal.getvalue())
    assert "2/5" in text
    assert "the [last] one" in text
    assert terminal.getvalue().endswith("\x1b[2K")


def test_in_ci_there_is_no_bar(terminal, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with output.progress("checking") as tell:
        tell(1, 1, "")
    assert terminal.getvalue() == ""


def test_check_shows_a_bar_on_a_terminal_only(harness, tmp_path, terminal):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"choices": []}))
    assert harness("check", str(path), "--json").json["files"] == 1
    assert "checking" in terminal.getvalue()
    assert "1/1" in terminal.getvalue()


def test_check_says_nothing_on_a_standard_error_that_is_no_terminal(harness, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"choices": []}))
    said = harness("check", str(path))
    assert said.err == ""
    assert "body-only" in said.out
