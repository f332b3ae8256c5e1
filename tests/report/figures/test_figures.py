"""Every figure on every shape of run: it is drawn or says why not, and its table has what the frames have."""

import csv
import io
import re

import pytest

from harness.report.figures import FIGURES
from harness.report.figures.tables import ROWS

EVERY = [figure for figures in FIGURES.values() for figure in figures]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("figure", EVERY, ids=lambda figure: figure.__name__)
def test_a_figure_is_drawn_or_says_why_not(figure, shape):
    name, frames = shape
    shown = figure(frames)
    assert not re.search(r"\b(nan|None|NaT|inf)\b|<NA>", shown.title)
    assert (shown.png()[:8] == PNG) == (shown.draw is not None)
    assert shown.title
    assert shown.draw is not None or name != "broken" or shown.unfolded
    page = shown.html()
    assert page.count("<figure") == page.count("</figure>") == 1
    assert shown.table.empty or f"report/{shown.name}.csv" in page
    assert "http" not in re.sub(r"http-\d+|base64,[^\"]*", "", page)
    assert "nan" not in re.findall(r"<td[^>]*>([^<]*)</td>", page)


@pytest.mark.parametrize("figure", EVERY, ids=lambda figure: figure.__name__)
def test_what_is_drawn_is_also_a_table(figure, frames):
    shown = figure(frames)
    rows = list(csv.DictReader(io.StringIO(shown.csv())))
    assert len(rows) == len(shown.table) > 0
    assert shown.text().startswith(shown.title)


def test_names_of_figures_are_names_of_files_and_never_twice(frames):
    names = [figure(frames).name for figure in EVERY]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z-]+", name) for name in names)


def test_a_long_table_is_cut_on_the_page_and_whole_in_its_file(made):
    for number in range(ROWS + 5):
        made.verdict("a.b", "fail", "No.", scenario=f"s{number}")
    shown = next(figure for figure in EVERY if figure.__name__ == "failure_list")(made.frames())
    assert shown.html().count("<tr>") == ROWS + 1
    assert f"the first {ROWS} of {ROWS + 5} rows" in shown.html()
    assert len(shown.csv().splitlines()) == ROWS + 6
