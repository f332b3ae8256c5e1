"""The whole live matrix of a system, and how fast the command answers, as whole processes.

Run ``python benchmarks/matrix.py [SYSTEM ...]``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from timing import Figure, seconds, table

RUNS = 5


def run(systems: list[str]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "harness.cli", "run", *systems, "--json", "--results", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    document: dict[str, object] = json.loads(done.stdout)
    return document


def main() -> None:
    systems = sys.argv[1:]
    runs = [run(systems) for _ in range(RUNS)]
    name = " and ".join(systems) or "all systems"
    helps = seconds(lambda: subprocess.run([sys.executable, "-m", "harness.cli", "--help"], capture_output=True), RUNS)
    table(
        Figure(
            f"live matrix of {name}, {runs[0]['cases']} cases, with start and stop",
            "s",
            tuple(float(str(one["seconds"])) for one in runs),
        ),
        Figure("of that, starting the target", "s", tuple(float(str(one["start_seconds"])) for one in runs)),
        Figure("harness --help", "s", helps),
    )


if __name__ == "__main__":
    main()
