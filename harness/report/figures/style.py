"""How every picture looks: one palette that colour-blind people can tell apart, titles that wrap, units on the axes.

Pictures are drawn on figures of their own, never through pyplot: there is no state to leak between them.
"""

from __future__ import annotations

import logging
import math
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from harness.core.race import ENDED, FAILED, REFUSED, REPEATED, SERVED

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its notes on font caches are nothing to a reader

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#222222",
)
"""Okabe and Ito's colours, which people with any kind of colour vision can tell apart; yellow is too faint on white."""

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)
OUTCOME_COLOURS = {SERVED: GREEN, ENDED: SKY, REPEATED: PURPLE, REFUSED: ORANGE, FAILED: VERMILION}
"""What can come of a request of a race."""
INK, FAINT, GRID = "#222222", "#6b6b6b", "#dddddd"
WIDTH_IN = 11.0
DPI = 130
SATURATED_MARK = "▲"
_TITLE_CHARS = 96


def sheet(
    title: str, height_in: float, *, rows: int = 1, columns: int = 1, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """An empty figure whose title says the finding, with some axes below each other and side by side.

    ``heights`` are those of the rows, where they differ.
    """
    lines = textwrap.wrap(title, _TITLE_CHARS) or [""]
    figure = Figure(figsize=(WIDTH_IN, height_in + 0.24 * len(lines)), dpi=DPI, layout="constrained")
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=12, fontweight="bold", color=INK)
    grid = figure.add_gridspec(rows, columns, height_ratios=heights)
    axes = [figure.add_subplot(grid[number // columns, number % columns]) for number in range(rows * columns)]
    for one in axes:
        plain(one)
    return figure, axes


def plain(axes: Axes) -> None:
    """Axes without a box around them."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=8.5, length=3)
    axes.grid(visible=True, axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def log_ms(axes: Axes) -> None:
    """The horizontal axis in milliseconds, logarithmic, with figures that people read (1, 10, 100)."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    steps = (1.0,) if high / max(low, 1e-9) > 100 else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(10, subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def short(value: float) -> str:
    """A figure in about three digits, without an exponent: ``0.04``, ``3.2``, ``105``, ``12,300``."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 99.5:
        digits = math.floor(math.log10(abs(value))) - 2
        return f"{round(value, -max(digits, 0)):,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.95 else f"{value:.2g}"


def clipped(words: str, chars: int) -> str:
    """Words cut to a length, which an ellipsis says."""
    return words if len(words) <= chars else words[: chars - 1].rstrip() + "…"


def middle_clipped(words: str, chars: int) -> str:
    """Words cut in their middle: of a path both ends say something."""
    if len(words) <= chars:
        return words
    head = (chars - 1) // 3
    return words[:head] + "…" + words[len(words) - (chars - 1 - head) :]


def rows_down(axes: Axes, labels: Sequence[str]) -> None:
    """Rows from top to bottom with these labels, one unit apart."""
    axes.set_yticks(range(len(labels)), labels=list(labels))
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
