"""The page that leads to all that a run left: its words, its matrix, its cases with their cassettes, its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from harness.core.verdict import Verdict
from harness.report import conclusions
from harness.report.matrix import LEGEND, MARKS, cell
from harness.report.verdict_counts import count_cells
from harness.results.frames import Frames
from harness.results.rows import COUNTS

from .shell import page

SHOWN = (Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED, Verdict.ERROR)


def index(frames: Frames, files: Sequence[str]) -> str:
    """The page; ``files`` are the paths of what else there is, relative to the run's folder."""
    run = frames.stored[0].id
    body = [
        f"<h1>Run {escape(run)}</h1>",
        f"<p>{_first(conclusions.run(frames))}</p>",
        '<h2><a href="failures.html">Failures</a></h2>',
        conclusions.failures(frames).html(),
        '<h2><a href="latency.html">Latency</a></h2>',
        conclusions.latency(frames).html(),
        '<h2><a href="races.html">Races</a></h2>',
        conclusions.races(frames).html(),
        "<h2>Contract x provider</h2>",
        *_matrix(frames),
        "<h2>Cases and their cassettes</h2>",
        *_cases(frames),
        "<h2>Files</h2>",
        "<ul>" + "".join(f'<li><a href="{escape(quote(name))}">{escape(name)}</a></li>' for name in files) + "</ul>",
    ]
    return page(f"Run {run}", "\n".join(body), here="index.html")


def _first(words: conclusions.Words) -> str:
    return words.html().removeprefix('<p class="answer">').removesuffix("</p>")


def _matrix(frames: Frames) -> Iterator[str]:
    cells = count_cells(frames.verdicts, "contract", "provider")
    providers = list(dict.fromkeys(frames.cases["provider"].astype(str)))
    contracts = sorted({contract for contract, _ in cells})
    if not contracts:
        yield "<p>No contract had anything to judge.</p>"
        return
    yield f'<p class="note">{escape(LEGEND)}</p><table class="matrix"><thead><tr><th>contract</th>'
    yield "".join(f"<th>{escape(provider)}</th>" for provider in providers) + "</tr></thead><tbody>"
    family = ""
    for contract in contracts:
        if (own := contract.partition(".")[0]) != family:
            family = own
            yield f'<tr class="family"><th colspan="{len(providers) + 1}">{escape(family)}</th></tr>'
        counted = [cells.get((contract, provider), Counter()) for provider in providers]
        yield f"<tr><td>{escape(contract)}</td>{''.join(map(_matrix_cell, counted))}</tr>"
    yield "</tbody></table>"


def _matrix_cell(counts: Counter[Verdict]) -> str:
    worst = next((verdict for verdict in MARKS if counts[verdict]), Verdict.NOT_APPLICABLE)
    return f'<td class="{worst.value}">{escape(cell(counts).plain)}</td>'


def _cases(frames: Frames) -> Iterator[str]:
    rows = sorted(frames.cases.to_dict("records"), key=_broken_first)
    names = "".join(f"<th>{verdict.value}</th>" for verdict in SHOWN)
    yield '<p class="note">Cases with something broken first. Each name leads to its cassette.</p><div class="table">'
    yield f'<table class="cases"><thead><tr><th>case</th>{names}<th>ms</th><th></th></tr></thead><tbody>'
    yield from (_case(row) for row in rows)
    yield "</tbody></table></div>"


def _broken_first(row: Mapping[Any, Any]) -> tuple[int, int, int]:
    return -_count(row, Verdict.ERROR), -_count(row, Verdict.FAIL), -_count(row, Verdict.WARN)


def _case(row: Mapping[Any, Any]) -> str:
    name, cassette, void = escape(str(row["case_name"])), row["cassette"], row["void"]
    if isinstance(cassette, str):
        name = f'<a href="{escape(quote(cassette))}">{name}</a>'
    counts = "".join(_count_cell(verdict, _count(row, verdict)) for verdict in SHOWN)
    note = escape(void) if isinstance(void, str) else ""
    return f'<tr><td>{name}</td>{counts}<td class="n">{row["took_ms"]:,.0f}</td><td>{note}</td></tr>'


def _count_cell(verdict: Verdict, count: int) -> str:
    kind = verdict.value if count and verdict is not Verdict.PASS else ""
    return f'<td class="n {kind}">{count or ""}</td>'


def _count(row: Mapping[Any, Any], verdict: Verdict) -> int:
    return int(row[COUNTS[verdict]])
