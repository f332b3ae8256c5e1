"""The habits that keep the tree alive, checked by a machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "harness").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FUNCTION = 70
LONGEST_MODULE = 400
SLEEPS = {"asyncio.sleep", "time.sleep"}
BROAD = {"Exception", "BaseException"}


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_functions_and_modules_stay_short():
    modules = {path: path.read_text(encoding="utf-8").count("\n") for path in (*SOURCES, *TESTS)}
    assert not {str(path.relative_to(ROOT)): lines for path, lines in modules.items() if lines > LONGEST_MODULE}
    long = [
        f"{path.relative_to(ROOT)}:{one.lineno} {one.name}: {one.end_lineno - one.lineno + 1}"
        for path in modules
        for one in functions(path)
        if one.end_lineno - one.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_tests_do_not_sleep():
    slept = []
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in SLEEPS:
                slept.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not slept


def test_nothing_is_caught_too_broadly_without_saying_why():
    broad = []
    for path in SOURCES:
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            caught = ast.unparse(node.type) if isinstance(node, ast.ExceptHandler) and node.type else ""
            bare = isinstance(node, ast.ExceptHandler) and node.type is None
            reraised = isinstance(node, ast.ExceptHandler) and any(
                isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node)
            )
            if (bare or caught in BROAD) and not reraised and "BLE001 - " not in lines[node.lineno - 1]:
                broad.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not broad


def test_the_layers_hold():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_the_plugin_imports_pytest():
    importers = [
        p.name for p in SOURCES if re.search(r"^\s*(import|from) _?pytest\b", p.read_text("utf-8"), re.MULTILINE)
    ]
    assert importers == ["plugin.py"]


def test_each_contract_module_is_pure():
    for path in (ROOT / "harness" / "contracts").rglob("*.py"):
        names = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not names & {"open", "print", "input"}, path


def test_committed_cassettes_stay_small():
    command = ["git", "ls-files", "-z", "cassettes"]
    kept = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    assert 0 < sum((ROOT / name).stat().st_size for name in kept) <= 32_000_000
