"""Contract x provider and contract x fault: every contract that does not simply hold has a row, the others are one row
for each family, so that a hundred of them stay readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from harness.core.verdict import Verdict
from harness.report.matrix import LEGEND, MARKS, cell
from harness.report.verdict_counts import Cell, broken_share, cell_table, count_cells, fault_order, is_uneasy, summed
from harness.results.frames import Frames

from .heatmap import BROKEN, SHARES, WIDE, Cells, bar, heat, name_columns
from .shown import Shown, nothing
from .style import sheet

NOTE = (
    f"In each cell: {' '.join(LEGEND.split())}. The figures are verdicts: of one contract, cases. Contracts "
    "that hold wherever they were judged are one row for each family; the table has every contract with "
    "Wilson's 95 % interval of its broken share."
)


_FIGURES = {MARKS[verdict][0] for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.WARN)}
"""Marks that a wide map leaves out: the figures and the colour say the same."""


@dataclass(frozen=True)
class _Row:
    label: str
    contracts: tuple[str, ...]


def provider_matrix(frames: Frames) -> Shown:
    """Verdicts by contract and provider."""
    return _matrix(frames, "provider", sorted(set(frames.verdicts["provider"].astype(str))))


def fault_matrix(frames: Frames) -> Shown:
    """Verdicts by contract and fault, faults of a kind side by side."""
    return _matrix(frames, "fault", fault_order(sorted(set(frames.verdicts["fault"].astype(str)))))


def _matrix(frames: Frames, column: str, columns: Sequence[str]) -> Shown:
    name = f"failures-contract-{column}"
    if frames.verdicts.empty:
        return nothing(name, "No contract had anything to judge.")
    cells = count_cells(frames.verdicts, "contract", column)
    rows = _rows(cells, columns)
    title = _title(cells, column, columns)
    return Shown(
        name, title, cell_table(cells, "contract", column), NOTE, lambda: _draw(title, cells, rows, column, columns)
    )


def _title(cells: dict[tuple[str, str], Cell], column: str, columns: Sequence[str]) -> str:
    contracts = sorted({contract for contract, _ in cells})
    broken = [one for one in contracts if any(broken_share(cells.get((one, at), Cell())) > 0 for at in columns)]
    if not broken:
        return f"No contract is broken: {len(contracts)} held under every {column} ({len(columns)} in this run)"
    where = [at for at in columns if any(broken_share(cells.get((one, at), Cell())) > 0 for one in broken)]
    every = "every" if len(where) == len(columns) > 1 else f"{len(where)} of {len(columns)}"
    noun = column if every == "every" or len(columns) == 1 else f"{column}s"
    one = "1 contract is" if len(broken) == 1 else f"{len(broken)} contracts are"
    return f"{one} broken, of {len(contracts)} judged; under {every} {noun}" + (
        f": {', '.join(where)}" if len(where) <= 6 else ""
    )


def _rows(cells: dict[tuple[str, str], Cell], columns: Sequence[str]) -> list[_Row]:
    rows = []
    contracts = sorted({contract for contract, _ in cells})
    for family in dict.fromkeys(contract.partition(".")[0] for contract in contracts):
        own = [contract for contract in contracts if contract.partition(".")[0] == family]
        uneasy = [one for one in own if any(is_uneasy(cells.get((one, at), Cell())) for at in columns)]
        rows += [_Row(contract, (contract,)) for contract in uneasy]
        rest = tuple(contract for contract in own if contract not in uneasy)
        if rest:
            words = "others hold" if uneasy and len(rest) > 1 else "other holds" if uneasy else "contracts"
            rows.append(_Row(f"{family}: {len(rest)} {words if uneasy or len(rest) > 1 else 'contract'}", rest))
    return rows


def _draw(
    title: str, cells: dict[tuple[str, str], Cell], rows: Sequence[_Row], column: str, columns: Sequence[str]
) -> Figure:
    wide = len(columns) > WIDE
    counts = [[summed(cells, row.contracts, at) for at in columns] for row in rows]
    values = np.array([[broken_share(one) for one in line] for line in counts], dtype=float)
    words = [[_words(one, wide=wide) for one in line] for line in counts]
    figure, (axes,) = sheet(title, 1.3 + 0.26 * len(rows) + (0.7 if wide else 0))
    heat(axes, Cells([row.label for row in rows], columns, values, words), SHARES, BROKEN, size=6.5 if wide else 8.5)
    name_columns(axes, len(columns))
    axes.set_xlabel(f"{column}; in each cell verdicts", fontsize=9)
    bar(figure, [axes], SHARES, BROKEN, "broken of judged, 0 to 1")
    return figure


def _words(counts: Cell, *, wide: bool) -> str:
    if not sum(counts.values()):
        return ""
    words, _, mark = cell(counts).plain.partition(" ")
    if not wide:
        return f"{words} {mark}".rstrip()
    return words if mark in _FIGURES else mark
