"""What the README says can be done: its commands are read by the command line itself, its examples by the code."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from harness.cli import app
from harness.core.profile import read_profile
from harness.report.outcomes import with_fault_tables

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [README, (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")]
COMMANDS = [
    shlex.split(line.removeprefix("$ "), comments=True)
    for page in PAGES
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    for line in block.splitlines()
]


def command_lines(program):
    return [words[1:] for words in COMMANDS if words[:1] == [program]]


@pytest.mark.parametrize("words", command_lines("harness"), ids=" ".join)
def test_every_command_of_the_readme_is_understood(words):
    group = typer.main.get_command(app)
    command = group.get_command(None, words[0])
    assert command is not None
    command.make_context(words[0], list(words[1:]))


def test_make_knows_the_targets_that_the_readme_names():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {words[0] for words in command_lines("make")}
    assert {"run", "test", "check"} <= named
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)


def test_the_profile_in_the_readme_can_be_used():
    (text,) = [block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[systems." in block]
    assert read_profile(tomllib.loads(text), "README.md").name == "my-backend"


def test_the_table_of_faults_is_up_to_date():
    assert with_fault_tables(README) == README


def test_every_folder_that_the_readme_names_is_there():
    for name in re.findall(r"`(harness/[a-z_/.]+)`", README):
        assert (ROOT / name).exists(), name


def test_every_family_of_options_of_the_plugin_is_real(pytestconfig):
    for words in command_lines("pytest"):
        for word in words:
            if word.startswith("--") and word != "--pyargs":
                name = word.partition("=")[0].removeprefix("--").replace("-", "_")
                assert hasattr(pytestconfig.option, name), word
