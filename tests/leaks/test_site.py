import asyncio
import contextlib
import json
import logging
import sysconfig
from pathlib import Path

import pytest

from harness.leaks import site
from harness.leaks.site import PROCESS, Site, here, is_own, of_code


def line_of(text):
    lines = Path(__file__).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {text}"))


def test_the_innermost_own_line_is_found_through_a_library():
    found = []
    json.dumps({"a": {1}}, default=lambda _: found.append(here()))  # the lambda
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: found.append(here()))
    assert found[0] == Site(__file__, line_of("the lambda"))
    assert all(one.path == __file__ for one in found)


@pytest.mark.parametrize(
    ("filename", "own"),
    [
        (__file__, True),
        ("app/main.py", True),
        (json.__file__, False),
        (pytest.__file__, False),
        (site.__file__, False),
        (str(Path(site.__file__).parent.parent / "plugin.py"), False),
        (str(Path(site.__file__).parent.parent / "cassettes" / "tap.py"), True),
        ("/app/.venv/lib/python3.12/site-packages/x.py", False),
        (str(Path(sysconfig.get_path("scripts"), "pytest")), False),
        ("<string>", False),
    ],
)
def test_own_is_what_is_neither_installed_nor_the_standard_librarys(filename, own):
    assert is_own(filename) is own


async def test_below_a_step_of_the_loop_nobody_has_asked():
    found = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(ask, found)
    assert await found is None


ask = eval("lambda found: found.set_result(here())")  # noqa: S307 - code that is in no file


def test_what_logging_or_an_import_makes_is_the_processes(tmp_path, monkeypatch):
    found = []

    class Handler(logging.Handler):
        emit = eval("lambda *_: found.append(here())", {"found": found, "here": here})  # noqa: S307 - in no file

    logging.getLogger("site").addHandler(Handler())
    logging.getLogger("site").error("hello")
    (tmp_path / "looks_while_imported.py").write_text("from harness.leaks.site import here\nFOUND = here()\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert found == [PROCESS]
    assert __import__("looks_while_imported").FOUND is PROCESS


def test_the_code_of_a_library_has_no_site():
    assert of_code(line_of.__code__) == Site(__file__, line_of.__code__.co_firstlineno)
    assert of_code(json.dumps.__code__) is None
    assert of_code(None) is None


def test_a_path_below_the_current_folder_is_told_relative_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(Site(str(tmp_path / "app" / "main.py"), 3)) == f"{Path('app', 'main.py')}:3"
    assert str(Site("/elsewhere/main.py", 3)) == "/elsewhere/main.py:3"
