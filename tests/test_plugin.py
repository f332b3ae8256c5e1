"""The plugin as QA uses it: in a project of their own, with one command and no conftest."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cassettes import file
from harness.plugin import expected
from harness.suite.select import Wanted, plan
from harness.targets.profiles import find_profile, shipped

SMALL = ("--provider", "openai", "--fault", "cut", "--contract", "stream")
REFERENCE = shipped()["reference"].read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """Runs pytest in an empty project, and gives what it said."""

    def run(*words, ok=0):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "HARNESS"))}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    run.path = tmp_path
    return run


def counts(said):
    """The last line's counts by outcome."""
    return {
        name: int(number) for number, name in re.findall(r"(\d+) ([a-z-]+)", said.splitlines()[-1].split(" in ")[0])
    }


def live(project, *words, **known):
    return project("--pyargs", "harness.cases", "--contract-mode=live", *words, **known)


def test_live_cases_pass_and_what_does_not_apply_is_counted_by_itself(project):
    said = live(project, *SMALL, "-v")
    assert "harness.cases::reference/gateway/chat-stream/openai.cut::stream.headers PASSED" in said
    assert counts(said)["passed"] >= 8
    assert counts(said)["not-applicable"] >= 1
    assert "skipped" not in counts(said)
    assert next((project.path / "results").glob("*/cassettes/reference/gateway/chat-stream/openai.cut.yaml"))


def test_a_node_id_can_be_pasted_back(project):
    said = project(
        "--pyargs", "harness.cases::reference/gateway/chat-stream/openai.cut::stream.headers", "--contract-mode=live"
    )
    assert counts(said) == {"passed": 1}
    assert [path.name for path in project.path.glob("results/*/cassettes/**/*.yaml")] == ["openai.cut.yaml"]


def test_cases_of_which_nothing_is_left_to_be_judged_are_not_exercised(project):
    said = live(project, "--provider", "openai", "--contract", "stream.headers", "-k", "chat-stream/openai.cut")
    assert counts(said) == {"passed": 1, "deselected": counts(said)["deselected"]}
    assert [path.name for path in project.path.glob("results/*/cassettes/**/*.yaml")] == ["openai.cut.yaml"]


def test_recorded_cases_are_replayed_by_the_same_command_and_as_files(project):
    project("--pyargs", "harness.cases", "--contract-mode=record", *SMALL)
    again = project("--pyargs", "harness.cases", *SMALL)
    files = project("cassettes", *SMALL)
    assert counts(again) == counts(files)
    one = project("cassettes/reference/gateway/chat-stream/openai.cut.yaml::stream.headers")
    assert counts(one) == {"passed": 1}


def test_options_may_stand_in_the_ini_file(project):
    (project.path / "pytest.ini").write_text(
        "[pytest]\ncontract_mode = live\nprovider = openai\nfault = cut\ncontract = stream.headers stream.chunk-shape\n"
    )
    cases = plan(find_profile("reference"), Wanted(providers=("openai",), faults=("cut",)))
    assert counts(project("--pyargs", "harness.cases")) == {"passed": 2 * len(cases)}


def test_systems_and_scenarios_are_chosen_as_by_the_command(project):
    chosen = ("--system", "runs", "--scenario", "unknown-*", "--contract", "models")
    said = live(project, *chosen, "--collect-only", "-q")
    nodes = [line for line in said.splitlines() if "::" in line]
    assert nodes
    assert all(line.startswith("harness.cases::reference/runs/unknown-model/") for line in nodes)


@pytest.mark.parametrize(
    ("marker", "families"),
    [
        ("contract_stream", {"stream"}),
        ("contract_should", {"errors", "ids"}),
        ("contract_ids and contract_must", {"ids"}),
    ],
)
def test_markers_select_by_family_and_level(project, marker, families):
    said = live(project, "--provider", "openai", "--fault", "cut", "-m", marker, "--collect-only", "-q")
    assert {line.rpartition("::")[2].split(".")[0] for line in said.splitlines() if "::" in line} == families


def test_two_processes_share_the_cases_between_them(project):
    pytest.importorskip("xdist")
    said = live(project, *SMALL, "-n", "2")
    assert counts(said)["passed"] >= 8


def test_expected_failures_carry_a_reason_and_are_strict(project):
    reasons = '[expected_failures]\n"stream.headers@*/openai.cut" = "the cache header is on our list"\n'
    (project.path / "mine.toml").write_text(REFERENCE + reasons)
    said = live(
        project,
        "--contract-target",
        "mine.toml",
        "--provider",
        "openai",
        "--fault",
        "cut",
        "--contract",
        "stream.headers",
        ok=1,
    )
    assert "XPASS(strict)" in said
    assert "the cache header is on our list" in said


def test_an_expected_failure_is_found_by_contract_and_case():
    profile = find_profile("reference")
    known = type(profile)(
        name="x",
        launch=profile.launch,
        systems=profile.systems,
        expected_failures={"stream.headers@*/openai.cut": "one", "errors.*": "two"},
    )
    assert expected(known, "stream.headers", "t/gateway/chat-stream/openai.cut") == "one"
    assert expected(known, "stream.headers", "t/gateway/chat-stream/openai.none") is None
    assert expected(known, "errors.answered", "t/gateway/models/openai.none") == "two"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--contract-target", "refrence"], "Did you mean 'reference'"),
        (["--contract", "stream.header"], "stream.headers"),
        (["--fault", "http-492"], "http-429"),
    ],
    ids=["target", "contract", "fault"],
)
def test_bad_input_is_told_in_words(project, words, says):
    said = live(project, "-rA", "--tb=short", *words, ok=2)
    assert says in said


def test_without_cassettes_replay_says_what_to_do(project):
    assert "there is no such file or folder" in project("--pyargs", "harness.cases", ok=2)


def test_yaml_files_of_others_are_left_alone(project):
    (project.path / "notes.yaml").write_text("just: notes\n")
    (project.path / "vcr.yaml").write_text("version: 1\ninteractions: []\n")
    project(".", ok=5)


def test_a_broken_promise_is_told_with_its_evidence_and_the_command(project, recorded):
    path = recorded(None)
    said = project(str(path), ok=1)
    assert "[DONE] came 2 times" in said
    assert "evidence: c1" in said
    assert f"harness replay {path}" in said


def test_a_recording_of_a_defect_passes_only_with_exactly_the_violations_it_declares(project, recorded):
    path = recorded(["stream.done-once-and-last"])
    assert counts(project(str(path))) == {"passed": 1}
    path = recorded(["stream.done-once-and-last", "stream.headers"])
    assert "declared and not found: stream.headers" in project(str(path), ok=1)


def test_a_recording_of_a_run_with_a_defect_is_judged_contract_by_contract(project, tmp_path):
    small = ("--provider", "openai", "--scenario", "chat-stream", "--fault", "none", "--results", str(tmp_path))
    command = [sys.executable, "-m", "harness.cli", "run", "gateway", *small, "--defect", "double-done"]
    subprocess.run(command, check=False, capture_output=True)
    (path,) = tmp_path.glob("*/cassettes/reference/gateway/chat-stream/openai.none.yaml")
    said = project(str(path), ok=1)
    assert "[DONE] came 2 times" in said
    assert counts(said)["failed"] == 1


@pytest.fixture
def recorded(once, tmp_path):
    """A recording of a defect that declares these violations; with none it passes for one of a target's own fault."""
    made = once("double-done", record_double_done)

    def declaring(violations):
        recording = file.load(Path(made))
        declared = {} if violations is None else {"violations": violations}
        defect = recording.header.defect if declared else None
        header = replace(recording.header, defect=defect, asked=recording.header.asked | declared)
        path = tmp_path / "recorded" / "openai.none.yaml"
        file.write(path, replace(recording, header=header))
        return path

    return declaring


def record_double_done(folder):
    small = ("--provider", "openai", "--scenario", "chat-stream", "--fault", "none", "--to", str(folder))
    command = [sys.executable, "-m", "harness.cli", "record", "gateway", *small, "--defect", "double-done"]
    subprocess.run(command, check=False, capture_output=True)
    return str(folder / "failures/double-done/reference/gateway/chat-stream/openai.none.yaml")
