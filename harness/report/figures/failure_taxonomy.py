"""The taxonomy of errors: what the provider did against what was broken, and against what the client read."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.core.verdict import Verdict
from harness.report.calls import client_calls
from harness.report.kinds import HEALTHY, WORDS, did, kind_of
from harness.report.verdict_counts import Cell, broken_share, cell_table, count_cells, fault_order
from harness.results.frames import Frames

from .heatmap import BROKEN, SHARES, TIMES, WIDE, Cells, bar, heat, name_columns
from .shown import Shown, nothing
from .style import sheet

FAMILIES = "failures-taxonomy"
ANSWERS = "failures-answers"
FAMILY_NOTE = (
    "In each cell: verdicts broken of those judged, under faults of that kind in contracts of that family; a figure "
    "alone: all of them hold. Empty: nothing was judged."
)
ANSWER_NOTE = (
    "In each cell: calls that read that answer, under that fault. A status of 200 may be a stream that told its "
    "failure in band; 'none': no answer came before the call ended so."
)


def taxonomy(frames: Frames) -> Shown:
    """Broken verdicts by what the provider did and by the contracts' family."""
    if frames.verdicts.empty:
        return nothing(FAMILIES, "No contract had anything to judge.")
    verdicts = frames.verdicts.assign(provider_did=frames.verdicts["fault"].astype("string").map(kind_of))
    cells = count_cells(verdicts, "provider_did", "family")
    rows = [kind for kind in WORDS if any(key[0] == kind for key in cells)]
    columns = sorted({key[1] for key in cells})
    title = _family_title(cells)
    table = cell_table(cells, "provider_did", "family")
    return Shown(FAMILIES, title, table, FAMILY_NOTE, lambda: _draw_families(title, cells, rows, columns))


def answers(frames: Frames) -> Shown:
    """What clients read, by fault."""
    table = answer_table(client_calls(frames.exchanges))
    if table.empty:
        return nothing(ANSWERS, "No client made a call.", table)
    return Shown(ANSWERS, _answer_title(table), table, ANSWER_NOTE, lambda: _draw_answers(table))


def answer_table(calls: pd.DataFrame) -> pd.DataFrame:
    """One row for each fault and answer: how many calls read it."""
    if calls.empty:
        return pd.DataFrame()
    status = calls["status"].astype("string")
    answer = status.where(status.notna(), "none: " + calls["ending"].astype("string"))
    named = pd.DataFrame({"fault": calls["fault"].astype("string"), "answer": answer})
    table = named.value_counts().rename("calls").reset_index()
    table["provider_did"] = table["fault"].map(kind_of)
    order = fault_order(sorted(set(table["fault"])))
    return table.sort_values(["fault", "answer"], key=lambda own: own.map(order.index) if own.name == "fault" else own)


def _family_title(cells: dict[tuple[str, str], Cell]) -> str:
    broken = {key: counts[Verdict.FAIL] + counts[Verdict.WARN] for key, counts in cells.items()}
    whole = sum(broken.values())
    if not whole:
        return f"Whatever the provider did, every family of contracts held ({len({kind for kind, _ in cells})} kinds)"
    families: Counter[str] = Counter()
    for (_, family), count in broken.items():
        families[family] += count
    family, most = families.most_common(1)[0]
    where = did([kind for (kind, own), count in broken.items() if count and own == family])
    return f"{'All' if most == whole else f'{most} of'} {whole} broken verdicts are of '{family}', where {where}"


def _answer_title(table: pd.DataFrame) -> str:
    failed = table[(table["provider_did"] != HEALTHY) & ~table["answer"].str.startswith("2")]
    if failed.empty:
        return "No call under a fault read an error status"
    by_answer = failed.groupby("answer")["calls"].sum().sort_values(ascending=False)
    most, n = by_answer.index[0], int(by_answer.sum())
    share = int(by_answer.iloc[0]) / n
    if len(by_answer) == 1 or share > 0.9:
        return f"{share:.0%} of {n} failed calls under a fault read the same: {most}. What went wrong cannot be told"
    return f"{n} failed calls under a fault read {len(by_answer)} different answers, most often {most} ({share:.0%})"


def _draw_families(title: str, cells: dict[tuple[str, str], Cell], rows: list[str], columns: list[str]) -> Figure:
    counts = [[cells.get((row, column), Cell()) for column in columns] for row in rows]
    values = np.array([[broken_share(one) for one in line] for line in counts], dtype=float)
    words = [[_words(one) for one in line] for line in counts]
    figure, (axes,) = sheet(title, 1.2 + 0.32 * len(rows) + (0.5 if len(columns) > WIDE else 0))
    heat(axes, Cells([f"the provider {WORDS[row]}" for row in rows], columns, values, words), SHARES, BROKEN)
    name_columns(axes, len(columns))
    axes.set_xlabel("family of contracts; in each cell verdicts", fontsize=9)
    bar(figure, [axes], SHARES, BROKEN, "broken of judged, 0 to 1")
    return figure


def _words(counts: Cell) -> str:
    broken = counts[Verdict.FAIL] + counts[Verdict.WARN]
    judged = broken + counts[Verdict.PASS]
    if not judged:
        return ""
    return f"{broken}/{judged}" if broken else str(judged)


def _draw_answers(table: pd.DataFrame) -> Figure:
    rows, columns = list(dict.fromkeys(table["fault"])), sorted(set(table["answer"]))
    counts = table.pivot_table(index="fault", columns="answer", values="calls", aggfunc="sum", fill_value=0)
    grid = counts.reindex(index=rows, columns=columns).to_numpy(dtype=float)
    share = np.where(grid > 0, grid / grid.sum(axis=1, keepdims=True), np.nan)
    words = [[f"{count:g}" if count else "" for count in line] for line in grid]
    figure, (axes,) = sheet(_answer_title(table), 1.2 + 0.22 * len(rows))
    heat(axes, Cells(rows, [one.replace(": ", ":\n") for one in columns], share, words), SHARES, TIMES)
    axes.set_xlabel("what the client read: status of the answer; in each cell calls", fontsize=9)
    bar(figure, [axes], SHARES, TIMES, "share of the fault's calls, 0 to 1")
    return figure
