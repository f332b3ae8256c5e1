"""The analysts' notebooks load, show and conclude; executed on fresh runs, they say what the frames hold."""

import ast
import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from harness.report import conclusions
from harness.report.figures import FIGURES
from harness.report.nouns import number
from harness.results import load

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 8
SCENARIOS = ("--scenario", "chat-stream", "--scenario", "measured-double-spend")
SMALL = ("gateway", "--provider", "groq", *SCENARIOS, "--fault", "none", "--fault", "cut")
RUNS = {"broken": (*SMALL, "--fault", "http-500", "--defect", "invented-stop"), "healthy": SMALL}


def code_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
class TestAsCommitted:
    def test_it_holds_no_logic(self, path):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.Try)
        for cell in code_of(path):
            tree = ast.parse("".join(cell["source"]))
            assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]
            assert "".join(cell["source"]).count("\n") < LONGEST_CELL

    def test_it_holds_no_outputs(self, path):
        for cell in code_of(path):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None

    def test_which_run_it_looks_at_is_a_parameter(self, path):
        (parameters,) = [cell for cell in code_of(path) if "parameters" in cell["metadata"].get("tags", ())]
        assert 'os.environ.get("HARNESS_RUN", "latest")' in "".join(parameters["source"])

    def test_it_opens_with_the_answer_and_shows_every_figure(self, path):
        sources = ["".join(cell["source"]) for cell in code_of(path)]
        assert sources[2] == f"conclusions.{path.stem}(frames)"
        assert sources[3:] == [f"figures.{figure.__name__}(frames)" for figure in FIGURES[path.stem]]


def command(*words, cwd):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "harness.cli", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=RUNS)
def reported(request, once):
    """A fresh small run with its report: how it was made, its frames, its folder."""

    def report(root):
        run = json.loads(command("run", *RUNS[request.param], "--json", cwd=root))["run"]
        page = Path(root, command("report", cwd=root).strip())
        assert page == root / "results" / run / "index.html"
        return [run, str(page.parent)]

    run, folder = once(f"reported-{request.param}", report)
    return request.param, load(run, root=Path(folder).parent), Path(folder)


def words_of(page):
    """The text of a page, its pictures and tables aside."""
    body = re.sub(r"<(style|table|pre)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


def test_what_the_pages_conclude_is_what_the_frames_hold(reported):
    _, frames, folder = reported
    verdicts = frames.verdicts["verdict"].astype(str)
    broken = frames.verdicts[verdicts == "fail"]
    judged = int(verdicts.isin(["pass", "fail", "warn"]).sum())
    told = words_of(folder / "failures.html")
    if len(broken):
        assert f"{broken['contract'].nunique()} MUSTs are broken: {len(broken)} of {judged} verdicts" in told
        assert f"in {broken['case_name'].nunique()} of {len(frames.cases)} cases" in told
    else:
        assert f"Nothing is broken: all {judged} verdicts of {frames.verdicts['contract'].nunique()} contracts" in told
    assert "In the one race the requests met" in words_of(folder / "races.html")
    calls = frames.exchanges[(frames.exchanges["side"] == "client") & (frames.exchanges["fault"] == "none")]
    streams = number(int(calls["ttft_ms"].notna().sum()), "stream")
    assert f"{streams} of a healthy provider" in words_of(folder / "latency.html")


def test_the_command_to_look_at_first_shows_the_cassette(reported):
    kind, _, folder = reported
    found = re.search(r"harness (show \S+)", words_of(folder / "failures.html"))
    assert (found is not None) == (kind == "broken")
    if found is not None:
        assert "groq.cut" in command(*found[1].split(), cwd=folder.parent.parent)


def test_every_sentence_is_on_the_pages_and_on_the_index(reported, monkeypatch):
    _, frames, folder = reported
    monkeypatch.chdir(folder.parent.parent)
    index = words_of(folder / "index.html")
    for name in FIGURES:
        page = words_of(folder / f"{name}.html")
        for sentence in str(getattr(conclusions, name)(frames)).splitlines():
            words = sentence.replace("`", "").strip()
            assert words in page
            assert words in index


def test_pages_need_nothing_from_anywhere_and_no_cell_complained(reported):
    _, _, folder = reported
    for page in folder.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for address in re.findall(r"""(?:src|href|url\()\s*=?\s*["']?([^"'\s>)]+)""", text):
            assert address.startswith(("data:", "#", "cassettes/", "report/")) or (folder / address).is_file()
        assert not re.search(r"https?://|<script|@import", text)
        assert 'class="output_subarea output_stream output_stderr' not in text
        assert "Traceback" not in text


def test_every_figure_is_there_as_a_picture_or_its_reason_and_as_a_file(reported, monkeypatch):
    _, frames, folder = reported
    monkeypatch.chdir(folder.parent.parent)
    for name, figures in FIGURES.items():
        text = (folder / f"{name}.html").read_text(encoding="utf-8")
        for figure in figures:
            shown = figure(frames)
            assert f'<figure class="shown" id="{shown.name}">' in text
            assert (folder / "report" / f"{shown.name}.csv").read_text(encoding="utf-8") == shown.csv()


def test_everything_that_the_index_leads_to_is_there(reported):
    _, _, folder = reported
    links = re.findall(r'href="([^"#:]+)"', (folder / "index.html").read_text(encoding="utf-8"))
    assert {"latency.html", "failures.html", "races.html", "report/summary.md", "run.json"} <= set(links)
    assert [link for link in links if not (folder / link).exists()] == []
