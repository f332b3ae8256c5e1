"""``harness summary``, ``query`` and ``diff`` on runs as they are made, and on one that was killed."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from functools import partial
from xml.etree.ElementTree import parse

import psutil
import pytest

SMALL = ("--provider", "groq", "--scenario", "chat-stream", "--fault", "none", "--fault", "cut")


@pytest.fixture(scope="module")
def root(tmp_path_factory, once, first_line):
    """Three runs, by their names: healthy, broken, and one that was killed on its way. A copy of this process' own."""
    found = tmp_path_factory.mktemp("results") / "runs"
    shutil.copytree(once("three-runs", partial(three_runs, first_line)), found)
    return found


def three_runs(first_line, root):
    for name, more in (("healthy", ()), ("broken", ("--defect", "double-done"))):
        files = ("--junit", str(root / f"{name}.xml"), "--markdown", str(root / f"{name}.md"))
        command = [
            sys.executable,
            "-m",
            "harness.cli",
            "run",
            "gateway",
            *SMALL,
            *more,
            "--json",
            "--results",
            str(root),
        ]
        done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
        (root / json.loads(done.stdout)["run"]).rename(root / name)
    asyncio.run(killed(first_line, root))
    return str(root)


async def killed(first_line, root):
    """Start a run, and kill it with its children as soon as a case is over: no one gets to say goodbye."""
    command = (sys.executable, "-m", "harness.cli", "run", "gateway", "-j", "2", "--results", str(root / "killed"))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, start_new_session=True)
    path = await first_line(root / "killed", "cases.ndjson", process)
    children = psutil.Process(process.pid).children(recursive=True)
    for one in (process, *children):
        one.send_signal(signal.SIGKILL)
    await process.wait()
    await asyncio.to_thread(psutil.wait_procs, children, 10)
    path.parent.rename(root / "killed-run")


def test_a_run_writes_junit_and_markdown(root):
    document = parse(root / "broken.xml").getroot()
    failures = document.findall(".//failure")
    assert [one.get("type") for one in failures] == ["stream.done-once-and-last"]
    assert document.get("failures") == "1"
    assert (root / "broken.md").read_text().startswith("## ❌ `reference` with the defect `double-done`")
    assert (root / "healthy.md").read_text().startswith("## ✅ `reference`: nothing failed")


def test_an_old_run_gives_the_same_files_again(harness, root, tmp_path):
    said = harness("summary", str(root / "broken"), "--junit", str(tmp_path / "a" / "j.xml"))
    assert (said.code, said.out) == (0, "")
    again, first = parse(tmp_path / "a" / "j.xml").getroot(), parse(root / "broken.xml").getroot()
    assert [one.attrib for one in again.iter()] == [one.attrib for one in first.iter()]


def test_a_summary_is_the_page_or_one_object(harness, root):
    said = harness("summary", "broken", "--results", str(root))
    assert "stream.done-once-and-last" in said.out
    assert "--contract stream.done-once-and-last" in said.out
    document = harness("summary", "broken", "--results", str(root), "--json").json
    assert document == json.loads((root / "broken" / "run.json").read_text())


def test_a_killed_run_keeps_what_it_had(harness, root):
    document = harness("summary", str(root / "killed-run"), "--json").json
    assert document["finished"] is False
    assert 0 < document["cases"] < document["planned"]
    assert "did not come to its end" in harness("summary", str(root / "killed-run")).out
    asked = "select count(*) as n from verdicts where verdict = 'pass'"
    (row,) = harness("query", asked, "--run", str(root / "killed-run"), "--json").json
    assert row["n"] == document["verdicts"]["pass"] > 0


def test_a_diff_tells_what_broke_and_back_what_mended(harness, root):
    where = ("--results", str(root))
    broke = harness("diff", "healthy", "broken", *where)
    assert broke.code == 1
    assert "1 broke" in broke.out
    assert "[DONE] came 2 times" in broke.out
    mended = harness("diff", "broken", "healthy", *where, "--json")
    assert mended.code == 0
    assert [one["contract"] for one in mended.json["mended"]] == ["stream.done-once-and-last"]
    assert mended.json["broke"] == []
    assert mended.json["unlike"] == ["defect: double-done before, None after"]


def test_a_query_is_answered_over_all_runs(harness, root):
    where = ("--results", str(root))
    said = harness("query", "select defect, failed from runs order by failed", *where)
    assert "double-done" in said.out
    rows = harness("query", "select ttft_state, count(*) as n from exchanges group by all", *where, "--json").json
    assert sum(row["n"] for row in rows if row["ttft_state"] == "measured") > 0


def test_a_run_that_cannot_be_read_is_passed_over_with_a_word_on_standard_error(harness, tmp_path):
    strange = tmp_path / "20200101-000000-aaaa"
    strange.mkdir()
    (strange / "run.json").write_text('{"run": "20200101-000000-aaaa", "finished": false}')
    (strange / "verdicts.ndjson").write_text('{"contract": "a.b"}\n')
    said = harness("query", "select count(*) as n from runs", "--results", str(tmp_path), "--json")
    assert (said.code, said.json) == (0, [{"n": 0}])
    assert "passed over" in said.err
    assert "20200101-000000-aaaa" in said.err


def test_the_targets_own_time_is_told_from_the_providers(harness, root):
    asked = (
        "select ttft_ms, before_ms + provider_ms + after_ms as whole, lag_ms, saturated "
        "from exchanges where target_share is not null"
    )
    rows = harness("query", asked, "--run", str(root / "healthy"), "--json").json
    assert len(rows) >= 2
    for row in rows:
        assert row["whole"] == pytest.approx(row["ttft_ms"], abs=1e-5)
        assert row["saturated"] == (row["lag_ms"] >= 10)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("query", "selec"), "cannot be answered"),
        (("diff", "healthy", "nothing"), "unknown run"),
        (("summary", "nothing"), "unknown run"),
        (("summary", "healthy", "--junit", "/proc/nowhere/j.xml"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(harness, root, words, said):
    found = harness(*words, "--results", str(root))
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1


def test_a_run_waits_for_no_library_that_only_analysis_needs(tmp_path):
    code = (
        "import sys, pathlib, harness.cli, harness.suite.run, harness.report.summary\n"
        "from harness.results.store import RunFolder\n"
        "heavy = {'pandas', 'pyarrow', 'duckdb', 'scipy', 'numpy'}\n"
        "folder = RunFolder('r1', root=pathlib.Path(sys.argv[1]))\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "folder.finish({'verdicts': {'pass': 1}})\n"
        "print(sorted(heavy & set(sys.modules) - {'numpy'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['pyarrow']"]
