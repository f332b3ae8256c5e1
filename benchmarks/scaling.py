"""How far two processes are faster than one: the same tests without xdist, with one worker, and with two.

Run ``python benchmarks/scaling.py [PYTEST ARGUMENT ...]``; without arguments, a part of the suite that waits and one
that computes.
"""

from __future__ import annotations

import subprocess
import sys

from timing import Figure, seconds, table

RUNS = 3
DEFAULT = ("tests/contracts", "tests/providers", "tests/cassettes", "tests/servers")


def pytest(workers: int, arguments: list[str]) -> None:
    """One whole test process; its failures are somebody else's concern."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers), *arguments]
    subprocess.run(command, capture_output=True, check=False)


def main() -> None:
    """Measure, and print a table."""
    arguments = sys.argv[1:] or list(DEFAULT)
    taken = {workers: tuple(seconds(lambda: pytest(workers, arguments), RUNS)) for workers in (0, 1, 2)}  # noqa: B023
    table(*(Figure(f"pytest -n {workers}", "s", values) for workers, values in taken.items()))
    one, two = (sorted(taken[workers])[RUNS // 2] for workers in (1, 2))
    print(f"two workers are {one / two:.2f} times as fast as one")


if __name__ == "__main__":
    main()
