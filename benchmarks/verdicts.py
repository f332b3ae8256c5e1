"""Whether the same run gives the same verdicts every time: every contract on every case, compared over many runs.

Run ``python benchmarks/verdicts.py [SYSTEM ...] [--scenario ID] [--runs 20] [--seed 0] [--keep FOLDER]``. It ends with
1 where a verdict differed, and names each that did as soon as it does; its recordings are kept where ``--keep`` says.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.core.case import Case
from harness.core.verdict import Subject, Verdict
from harness.suite.run import Options, run
from harness.suite.select import Planned, Wanted, plan, select_contracts
from harness.targets.profiles import find_profile

SHOWN = 20
Verdicts = Mapping[tuple[Case, str], Verdict]


def one_run(planned: Sequence[Planned], seed: int, folder: Path) -> Verdicts:
    """Each case and contract with its verdict; the recordings are left in the folder."""
    contracts = select_contracts((), subject=Subject.TARGET)
    options = Options(keep=lambda case: folder / f"{case}.yaml", seed=seed)
    done = asyncio.run(run(find_profile("reference"), planned, contracts, options))
    if done.interrupted:
        raise KeyboardInterrupt
    return {(one.case, told.contract): told.verdict for one in done.results for told in one.judgements}


def differences(first: Verdicts, other: Verdicts) -> Mapping[tuple[Case, str], str]:
    """What is not as it was, in words; a verdict that is missing differs too."""
    return {
        (case, contract): f"{case} {contract}: {first.get((case, contract))}, then {other.get((case, contract))}"
        for case, contract in sorted({*first, *other})
        if first.get((case, contract)) is not other.get((case, contract))
    }


def keep(cases: Iterable[Case], run: Path, to: Path) -> None:
    """Keep a run's recordings of these cases."""
    for case in set(cases):
        path = to / run.name / f"{case}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / f"{case}.yaml", path)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description="The same run, many times: are the verdicts the same?")
    parser.add_argument("systems", nargs="*", metavar="SYSTEM")
    parser.add_argument("--scenario", action="append", default=[])
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    return parser.parse_args()


def main() -> int:
    """Run, compare, and tell."""
    asked = arguments()
    wanted = Wanted(systems=tuple(asked.systems), scenarios=tuple(asked.scenario), faults=tuple(asked.fault))
    planned = plan(find_profile("reference"), wanted)
    began_s = time.monotonic()
    differing: list[str] = []
    with tempfile.TemporaryDirectory() as root:
        first_run = Path(root, "run-1")
        first = one_run(planned, asked.seed, first_run)
        for number in range(2, asked.runs + 1):
            again = Path(root, f"run-{number}")
            found = differences(first, one_run(planned, asked.seed, again))
            differing += [f"run {number}: {line}" for line in found.values()]
            print(
                f"run {number} of {asked.runs}: {len(found)} differences", *found.values(), sep="\n  ", file=sys.stderr
            )
            if asked.keep is not None:
                for folder in (first_run, again):
                    keep((case for case, _ in found), folder, asked.keep)
            shutil.rmtree(again)
    counts = Counter(verdict.value for verdict in first.values())
    print(f"{asked.runs} runs of {len(planned)} cases, seed {asked.seed}, in {time.monotonic() - began_s:.0f} s")
    print(f"{len(first)} verdicts a run: {', '.join(f'{number} {name}' for name, number in counts.most_common())}")
    print(f"{len(differing)} verdicts differed from the first run's")
    print(*differing[:SHOWN], sep="\n", end="\n" if differing else "")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
