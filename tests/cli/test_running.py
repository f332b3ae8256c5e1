"""``harness run`` as QA uses it: a small selection, live, through the command line."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import psutil
import pytest

from harness.cassettes import file
from harness.core.verdict import Verdict

SMALL = ("--provider", "openai", "--scenario", "chat-stream", "--fault", "none", "--fault", "cut")


def test_a_healthy_target_gives_a_matrix_and_exit_code_0(harness, tmp_path):
    said = harness("run", "gateway", *SMALL, "--results", str(tmp_path))
    assert said.code == 0
    assert "stream.done-once-and-last" in said.out
    assert "2 cases" in said.out


def test_json_is_one_object_and_nothing_else(harness, tmp_path):
    document = harness("run", "gateway", *SMALL, "--results", str(tmp_path), "--json").json
    assert {"run", "target", "cases", "seconds", "verdicts", "failures"} <= set(document)
    assert set(document["verdicts"]) == {verdict.value for verdict in Verdict}
    assert document["cases"] == 2
    assert document["failures"] == []
    assert json.loads((tmp_path / document["run"] / "run.json").read_text()) == document
    lines = (tmp_path / document["run"] / "verdicts.ndjson").read_text().splitlines()
    assert len(lines) == sum(document["verdicts"].values()) - document["verdicts"]["not-applicable"]


def test_a_failure_is_explained_and_its_command_judges_it_again(harness, tmp_path):
    said = harness("run", "gateway", *SMALL, "--defect", "double-done", "--results", str(tmp_path))
    assert said.code == 1
    assert "[DONE] came 2 times" in said.out
    assert "evidence: c1" in said.out
    command = next(line.split() for line in said.out.splitlines() if line.strip().startswith("harness replay"))
    again = harness(*command[1:])
    assert again.code == 1
    assert "[DONE] came 2 times" in again.out
    shown = harness("show", command[2])
    assert "double-done" in shown.out
    assert "ended: eof" in shown.out


def test_a_defect_that_nothing_met_is_told(harness, tmp_path):
    said = harness("run", "gateway", *SMALL, "--defect", "runs-no-refund", "--results", str(tmp_path))
    assert said.code == 0
    assert "Nothing failed with the defect runs-no-refund: it breaks " in said.out
    assert " (nothing to judge here)" in said.out


def test_failures_are_in_the_json_too(harness, tmp_path):
    document = harness("run", "gateway", *SMALL, "--defect", "double-done", "--results", str(tmp_path), "--json").json
    (contract,) = {failure["contract"] for failure in document["failures"]}
    assert contract == "stream.done-once-and-last"
    assert all(Path(failure["cassette"]).is_file() and failure["case"] for failure in document["failures"])


def test_live_and_replay_agree(harness, tmp_path):
    live = harness("run", "gateway", *SMALL, "--results", str(tmp_path), "--json").json
    again = harness("replay", str(tmp_path / live["run"]), "--json").json
    assert again["verdicts"] == live["verdicts"]


def test_record_keeps_cassettes_by_case(harness, tmp_path):
    assert harness("record", "gateway", *SMALL, "--to", str(tmp_path)).code == 0
    assert sorted(path.name for path in (tmp_path / "reference/gateway/chat-stream").iterdir()) == [
        "openai.cut.yaml",
        "openai.none.yaml",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
async def test_interrupted_it_keeps_a_readable_run_and_leaves_no_process(tmp_path, first_line, number):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harness.cli",
        "run",
        "gateway",
        "-j",
        "2",
        "--results",
        str(tmp_path),
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        verdicts = await first_line(tmp_path, "verdicts.ndjson", process)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    document = json.loads(out)
    assert process.returncode == 130, err
    assert document["interrupted"]
    assert 0 < document["cases"] < document["planned"]
    assert all(json.loads(line)["verdict"] for line in verdicts.read_text().splitlines())
    assert json.loads((verdicts.parent / "run.json").read_text()) == document
    _gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert not alive


def test_the_recordings_of_a_defect_declare_what_they_break(harness, tmp_path):
    said = harness("record", "gateway", *SMALL, "--defect", "no-cache-header-missing", "--to", str(tmp_path))
    assert said.code == 0
    kept = sorted(tmp_path.rglob("*.yaml"))
    assert [path.relative_to(tmp_path).parts[:2] for path in kept] == [("failures", "no-cache-header-missing")] * 2
    for path in kept:
        assert file.load(path).header.asked["violations"] == ["stream.headers"]
