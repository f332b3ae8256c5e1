import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from harness import cli


@dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def harness(monkeypatch, capsys):
    """Runs the command line in this process."""

    def command(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return command


LOOK_S = 0.05


@pytest.fixture(scope="session")
def first_line():
    """Waits for a file of a run that is under way to have a line in it: ``await first_line(folder, name, process)``.

    Between two looks the process is waited for: that it ends is the other thing that can happen.
    """

    async def found(folder, name, process):
        ended = asyncio.ensure_future(process.wait())
        while not ended.done():
            for path in folder.glob(f"*/{name}"):
                if path.stat().st_size:
                    ended.cancel()
                    return path
            await asyncio.wait({ended}, timeout=LOOK_S)
        raise AssertionError(f"the run ended before there was a line in {name}")

    return found
