"""Where a thing was made: the innermost line of the tester's own code.

Not the tester's own: the standard library, installed packages, the programs beside the interpreter, and this package
with the plugin that drives it. The stack ends at a step of an event loop: below it is whoever runs the loop, who did
not ask for the thing.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import site
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType

_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_FOREIGN = tuple(
    str(Path(folder)) + os.sep
    for folder in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")),
        *(os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")),
        site.getusersitepackages(),
        str(Path(__file__).parent),
    }
)
_PLUGIN = str(Path(__file__).parent.parent / "plugin.py")
_LOOP_STEP = ("_run", asyncio.events.__file__)
_OF_THE_PROCESS = frozenset({"logging", "importlib"})
"""Top-level modules that make things for the process as a whole, whoever happens to be the first to ask."""


@dataclass(frozen=True, slots=True)
class Site:
    """A line of code."""

    path: str
    line: int

    def __str__(self) -> str:
        """``file:line``, relative to the current folder where it lies below it."""
        here = Path.cwd()
        path = Path(self.path)
        return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{self.line}"


PROCESS = Site("", 0)
"""The thing belongs to the process: made by an import or by logging."""


def here() -> Site | None:
    """The innermost line of the tester's own code on the stack; ``PROCESS``; or None, where there is none."""
    frame = inspect.currentframe()
    while frame is not None:
        code = frame.f_code
        if (code.co_name, code.co_filename) == _LOOP_STEP:
            return None
        if is_own(code.co_filename):
            return PROCESS if code.co_name == "<module>" else Site(_absolute(code.co_filename), frame.f_lineno)
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _OF_THE_PROCESS:
            return PROCESS
        frame = frame.f_back
    return None


def of_code(code: CodeType | None) -> Site | None:
    """Where the code of a coroutine or a generator begins, if that is the tester's own."""
    if code is None or not is_own(code.co_filename):
        return None
    return Site(_absolute(code.co_filename), code.co_firstlineno)


@lru_cache(maxsize=4096)
def is_own(filename: str) -> bool:
    """Whether a file is the tester's own code."""
    if filename.startswith("<"):
        return False
    path = _absolute(filename)
    return path != _PLUGIN and not path.startswith(_FOREIGN) and not any(part in path for part in _INSTALLED)


@lru_cache(maxsize=4096)
def _absolute(filename: str) -> str:
    return str(Path(filename).absolute())
