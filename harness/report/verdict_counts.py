"""Verdicts counted into cells: how many of each kind, for each contract and each value of another column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import pandas as pd

from harness.core.fault import FAULTS
from harness.core.verdict import Verdict
from harness.results.stats import rate

from .kinds import WORDS, kind_of

UNEASY = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.WARN)
"""Verdicts that are worth a row of their own."""

_JUDGED = (Verdict.PASS, Verdict.FAIL, Verdict.WARN)

Cell = Counter[Verdict]

_rate = cache(rate)  # a thousand cells have few different counts


def count_cells(verdicts: pd.DataFrame, row: str, column: str) -> dict[tuple[str, str], Cell]:
    """How many verdicts of each kind, by the values of two columns."""
    cells: dict[tuple[str, str], Cell] = {}
    names = verdicts[[row, column, "verdict"]].astype("string")
    for key, count in names.value_counts().items():
        first, second, verdict = (str(part) for part in key) if isinstance(key, tuple) else ("", "", "")
        cells.setdefault((first, second), Counter())[Verdict(verdict)] += int(count)
    return cells


def summed(cells: dict[tuple[str, str], Cell], rows: Sequence[str], column: str) -> Cell:
    """Some rows' cells of one column, added up."""
    total: Cell = Counter()
    for row in rows:
        total.update(cells.get((row, column), Counter()))
    return total


def cell_table(cells: dict[tuple[str, str], Cell], row: str, column: str) -> pd.DataFrame:
    """One row for each cell that has verdicts: the number of each kind, the failed of the judged with Wilson's
    interval.
    """
    rows = []
    for (first, second), counts in sorted(cells.items()):
        found = _rate(counts[Verdict.FAIL] + counts[Verdict.WARN], sum(counts[one] for one in _JUDGED))
        counted = {verdict.value: counts[verdict] for verdict in Verdict if verdict is not Verdict.NOT_APPLICABLE}
        interval = {"broken_share": found.value, "low": found.low, "high": found.high}
        rows.append({row: first, column: second, **counted, "judged": found.n, **interval})
    return pd.DataFrame(rows)


def broken_share(counts: Cell) -> float:
    """The broken of the judged, 0 to 1; NaN where nothing was judged."""
    judged = sum(counts[one] for one in _JUDGED)
    return (counts[Verdict.FAIL] + counts[Verdict.WARN]) / judged if judged else float("nan")


def is_uneasy(counts: Cell) -> bool:
    """Whether anything in the cell is neither held nor unsupported."""
    return any(counts[verdict] for verdict in UNEASY)


def fault_order(faults: Sequence[str]) -> list[str]:
    """Faults by their kind, as kinds are shown, then in their own order."""
    kinds, known = list(WORDS), list(FAULTS)
    return sorted(faults, key=lambda fault: (kinds.index(kind_of(fault)), known.index(fault) if fault in known else 0))
