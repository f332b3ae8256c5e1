"""Where each defect shows: finds, for every contract that a defect must break, a case in each system where it does.

Run ``python benchmarks/kills.py [DEFECT ...]``; it brings ``tests/kills.json`` up to date, which tells the kill matrix
where to look, and ``tests/proofs.json``, by which defect each contract of several systems is seen to fail in each.
Without arguments the defects that the file does not know are looked for; name one that breaks more than it did: the
matrix looks no further than the file, and fails where a case is missing.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
KILLS = ROOT / "tests" / "kills.json"
PROOFS = ROOT / "tests" / "proofs.json"
AT_ONCE = 3


def matrix() -> Any:
    """The module of the kill matrix."""
    spec = importlib.util.spec_from_file_location("kill_matrix", ROOT / "tests" / "test_defects.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("tests/test_defects.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Broken = set[tuple[str, str]]
"""Contracts, each with a system."""


def owed(tests: Any, defect: str) -> Broken:
    """What is to be seen of a defect: all that it breaks where it replaces a part, and what no other is known to."""
    owned = {one.value for one in tests.REFERENCE.systems if getattr(tests.DEFECTS[defect], one.value, None)}
    named = [one for one in tests.TARGET_CONTRACTS if defect in one.breakers]
    touched = {(one.id, str(system)) for one in named for system in tests.systems(defect) if system in one.systems}
    proven = {(one, system) for one, proof in tests.PROOFS.items() for system, by in proof.items() if by != defect}
    return {pair for pair in touched if pair[1] in owned or pair not in proven}


async def broken_in(tests: Any, defect: str) -> dict[str, Broken]:
    """Case -> what a defect breaks in it, of the contracts that name it."""
    found: dict[str, Broken] = {}
    wanted = tests.BREAKS[defect]
    with tempfile.TemporaryDirectory() as folder:
        for planned in tests.steps(defect):
            seen = set().union(*found.values())
            if planned and not (wanted <= {contract for contract, _ in seen} and owed(tests, defect) <= seen):
                result = await tests.exercised(Path(folder), planned, defect=defect, jobs=tests.JOBS)
                for done in result.results:
                    broken = {one.contract for one in done.judgements if one.verdict in tests.BROKEN}
                    found[str(done.case)] = {(one, str(done.case.system)) for one in broken & wanted}
    return found


def fewest(found: dict[str, Broken]) -> list[str]:
    """A few cases that together break all that the defect breaks, in each system in which it was seen to."""
    left, chosen = set().union(*found.values()), []
    while left:
        best = max(sorted(found), key=lambda case: len(found[case] & left))
        chosen.append(best)
        left -= found[best]
    return sorted(chosen)


def prove(tests: Any, defect: str, seen: Broken) -> None:
    """Note what a defect was seen to break in which system, where a contract of several has no proof there yet."""
    for one in tests.TARGET_CONTRACTS:
        proof = tests.PROOFS.setdefault(one.id, {}) if len(one.systems) > 1 else {}
        for system in map(str, one.systems):
            if proof.get(system) not in one.breakers and (one.id, system) in seen:
                proof[system] = defect
    promised = {one.id: one for one in tests.TARGET_CONTRACTS}
    kept = {
        one: {system: by for system, by in sorted(proof.items()) if by in promised[one].breakers}
        for one, proof in sorted(tests.PROOFS.items())
        if one in promised
    }
    PROOFS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


async def look(tests: Any, defects: list[str], known: dict[str, list[str]]) -> None:
    """Find the cases of these defects, and keep what is known after each."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(defect: str) -> None:
        async with places:
            found = await broken_in(tests, defect)
            known[defect] = fewest(found)
            prove(tests, defect, set().union(*found.values()))
            KILLS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{len(known)} of {len(tests.DEFECTS)} known: {defect}, {', '.join(known[defect])}", flush=True)

    async with asyncio.TaskGroup() as group:
        for defect in defects:
            group.create_task(one(defect))


def main(wanted: list[str]) -> int:
    """Bring the file up to date."""
    known: dict[str, list[str]] = json.loads(KILLS.read_text(encoding="utf-8")) if KILLS.exists() else {}
    tests = matrix()
    known = {defect: cases for defect, cases in known.items() if defect in tests.DEFECTS}
    asyncio.run(look(tests, wanted or sorted(set(tests.DEFECTS) - set(known)), known))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
