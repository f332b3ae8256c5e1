"""How every benchmark here counts: n runs, the median, and the spread from least to most."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured quantity over n runs."""

    name: str
    unit: str
    values: tuple[float, ...]

    def __str__(self):
        middle = statistics.median(self.values)
        return (
            f"| {self.name} | {middle:,.3g} {self.unit} | {min(self.values):,.3g} to {max(self.values):,.3g} "
            f"| {len(self.values)} |"
        )


def seconds(work: Callable[[], object], runs: int, warm_up: int = 1) -> tuple[float, ...]:
    """Wall seconds of each run, after a warm-up."""
    for _ in range(warm_up):
        work()
    taken = []
    for _ in range(runs):
        began_s = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began_s)
    return tuple(taken)


def table(*figures: Figure) -> None:
    """Print figures as a Markdown table."""
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    print("| figure | median | least to most | n |\n| --- | --- | --- | --- |")
    for figure in figures:
        print(figure)
