"""Runs a file of tests in a process of its own, and says what came of each of them."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
python_files = *.py
addopts = --strict-markers -p no:cacheprovider -p no:randomly
"""


@dataclass(frozen=True)
class Outcome:
    word: str
    """``passed``, ``failure``, ``error`` or ``skipped``."""
    text: str

    @property
    def leaks(self):
        """The lines that name a leak: (file, line number, kind)."""
        lines = self.text.partition("left open: ")[2].partition("to mend it:")[0].splitlines()[1:]
        parts = [line.strip().split(":", 3) for line in lines]
        return [(file, int(number), kind.strip()) for file, number, kind, _ in parts]


@pytest.fixture(scope="module")
def run_tests(tmp_path_factory):
    """Give a source (a file, or its text) and options; get an outcome by test, in the order they ran."""

    def run(source, *options):
        folder = tmp_path_factory.mktemp("run")
        text = source.read_text("utf-8") if isinstance(source, Path) else source
        (folder / "pytest.ini").write_text(INI)
        (folder / "seeds.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "--junitxml=report.xml", *options, "seeds.py"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return {case.get("name"): outcome(case) for case in ET.parse(folder / "report.xml").iter("testcase")}

    return run


def outcome(case):
    for child in case:
        if child.tag in ("failure", "error", "skipped"):
            return Outcome(child.tag, f"{child.get('message')}\n{child.text or ''}")
    return Outcome("passed", "")
