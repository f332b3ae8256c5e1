"""Words in the cells of a heat map, and the names above them, do not run into each other."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from harness.report.figures.heatmap import BROKEN, CROWDED, SHARES, WIDE, Cells, heat, name_columns


def drawn(columns):
    (axes,) = Figure(figsize=(11, 4)).subplots(1, 1, squeeze=False)[0]
    cells = Cells(["a row"], [f"fault-{n}" for n in range(columns)], np.zeros((1, columns)), [["1497"] * columns])
    heat(axes, cells, SHARES, BROKEN)
    name_columns(axes, columns)
    return axes


@pytest.mark.parametrize(
    ("columns", "words", "names"), [(WIDE, 0.0, 0.0), (WIDE + 1, 0.0, 60.0), (CROWDED + 1, 90.0, 60.0)]
)
def test_words_and_names_turn_as_columns_become_many(columns, words, names):
    axes = drawn(columns)
    assert {text.get_rotation() for text in axes.texts} == {words}
    assert {label.get_rotation() for label in axes.get_xticklabels(which="major")} == {names}


def test_words_upright_fit_into_their_cells():
    axes = drawn(57)
    figure = axes.figure
    figure.draw_without_rendering()
    cell_px = axes.bbox.width / 57
    assert all(text.get_window_extent().width <= cell_px for text in axes.texts)
