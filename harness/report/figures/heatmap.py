"""Heat maps whose cells say their figures: colour helps the eye, words carry the meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from .style import FAINT, INK, short

TIMES = mpl.colormaps["cividis_r"]
BROKEN = LinearSegmentedColormap.from_list("broken", ["#fbd5b0", "#e58030", "#b5410a"]).with_extremes(under="#f2f0ec")
"""From pale orange to vermilion, only the darkness matters; nothing broken is grey, so that a little never hides."""

SHARES = Normalize(1e-9, 1)
"""Shares from just above nothing to all."""

WIDE = 10
"""With more columns than this words in cells are cut and set smaller."""

FIT = 3.6
"""Characters that fit into a cell of a wide map."""

CROWDED = 30
"""With more columns than this words stand upright: a cell is higher than it is wide then."""

_DARK = 0.55


@dataclass(frozen=True)
class Cells:
    """What a heat map shows: a value (NaN: no colour) and words, for each row and column."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    words: Sequence[Sequence[str]]


def heat(axes: Axes, cells: Cells, norm: Normalize, colours: Colormap, *, size: float = 8.0) -> None:
    """Draw the cells; the columns' names stand above."""
    axes.imshow(cells.values, norm=norm, cmap=colours, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(cells.columns)), labels=list(cells.columns))
    axes.set_yticks(range(len(cells.rows)), labels=list(cells.rows))
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    _lines(axes, cells)
    for row, words in enumerate(cells.words):
        for column, text in enumerate(words):
            if not text:
                continue
            value = cells.values[row, column]
            colour = _ink(value, norm, colours)
            put = axes.text(column, row, text, ha="center", va="center", color=colour, linespacing=1.25)
            put.set(fontsize=_fitting(text, len(cells.columns), size), rotation=_turn(len(cells.columns)))
            put.set_in_layout(False)  # it is inside the axes: measuring hundreds of them takes a second


def name_columns(axes: Axes, columns: int) -> None:
    """Turn the names of so many columns, where they would run into each other."""
    if columns <= WIDE:
        return
    axes.tick_params(axis="x", labelrotation=60, labelsize=7.5)
    for label in axes.get_xticklabels():
        label.set(ha="left", rotation_mode="anchor")


def _fitting(text: str, columns: int, size: float) -> float:
    return size * min(1, FIT / len(text)) if columns > WIDE else size


def _turn(columns: int) -> float:
    """Degrees."""
    return 90.0 if columns > CROWDED else 0.0


def bar(figure: Figure, axes: Sequence[Axes], norm: Normalize, colours: Colormap, label: str) -> None:
    """The scale beside the map; a logarithmic one has three figures, spread evenly."""
    scale = figure.colorbar(mpl.cm.ScalarMappable(norm, colours), ax=list(axes), pad=0.01, fraction=0.03, aspect=30)
    scale.set_label(label, fontsize=8.5, color=INK)
    if isinstance(norm, LogNorm):
        ticks = np.geomspace(float(norm.vmin or 1), float(norm.vmax or 10), 5)[1:4]
        scale.set_ticks(ticks.tolist(), labels=[short(float(at)) for at in ticks], minor=False)
        scale.ax.minorticks_off()
    scale.ax.tick_params(labelsize=8, colors=INK)


def _lines(axes: Axes, cells: Cells) -> None:
    for at in range(1, len(cells.columns)):
        axes.axvline(at - 0.5, color="white", linewidth=1.5)
    for at in range(1, len(cells.rows)):
        axes.axhline(at - 0.5, color="white", linewidth=1.5)


def _ink(value: float, norm: Normalize, colours: Colormap) -> str:
    """Dark words on light cells, light words on dark ones."""
    if not np.isfinite(value):
        return FAINT
    red, green, blue, _ = colours(norm(value))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > _DARK else "white"
