"""Whether the same run gives the same verdicts every time: every contract on every case, compared over many runs.

Run ``python benchmarks/verdicts.py [SYSTEM ...] [--scenario ID] [--runs 20] [--seed 0]``. It ends with 1 where a
verdict differed, and names the first that did.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.core.case import Case
from harness.core.verdict import Subject, Verdict
from harness.suite.run import Options, run
from harness.suite.select import Planned, Wanted, plan, select_contracts
from harness.targets.profiles import find_profile

SHOWN = 20
Verdicts = Mapping[tuple[Case, str], Verdict]


def one_run(planned: Sequence[Planned], seed: int) -> Verdicts:
    """Each case and contract with its verdict."""
    contracts = select_contracts((), subject=Subject.TARGET)
    with tempfile.TemporaryDirectory() as folder:
        options = Options(keep=lambda case: Path(folder, f"{case}.yaml"), seed=seed)
        done = asyncio.run(run(find_profile("reference"), planned, contracts, options))
    if done.interrupted:
        raise KeyboardInterrupt
    return {(one.case, told.contract): told.verdict for one in done.results for told in one.judgements}


def differences(first: Verdicts, other: Verdicts) -> list[str]:
    """What is not as it was, a line each; a verdict that is missing differs too."""
    keys = sorted({*first, *other})
    return [
        f"{case} {contract}: {first.get((case, contract))}, then {other.get((case, contract))}"
        for case, contract in keys
        if first.get((case, contract)) is not other.get((case, contract))
    ]


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description="The same run, many times: are the verdicts the same?")
    parser.add_argument("systems", nargs="*", metavar="SYSTEM")
    parser.add_argument("--scenario", action="append", default=[])
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    """Run, compare, and tell."""
    asked = arguments()
    wanted = Wanted(systems=tuple(asked.systems), scenarios=tuple(asked.scenario), faults=tuple(asked.fault))
    planned = plan(find_profile("reference"), wanted)
    began_s = time.monotonic()
    first = one_run(planned, asked.seed)
    differing: list[str] = []
    for number in range(2, asked.runs + 1):
        found = differences(first, one_run(planned, asked.seed))
        differing += [f"run {number}: {line}" for line in found]
        print(f"run {number} of {asked.runs}: {len(found)} differences", file=sys.stderr, flush=True)
    counts = Counter(verdict.value for verdict in first.values())
    print(f"{asked.runs} runs of {len(planned)} cases, seed {asked.seed}, in {time.monotonic() - began_s:.0f} s")
    print(f"{len(first)} verdicts a run: {', '.join(f'{number} {name}' for name, number in counts.most_common())}")
    print(f"{len(differing)} verdicts differed from the first run's")
    print(*differing[:SHOWN], sep="\n", end="\n" if differing else "")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
