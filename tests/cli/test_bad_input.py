"""Bad input is one clear line on standard error, and exit code 2."""

import socket
from contextlib import closing

import pytest


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "gatway"], "Did you mean 'gateway'"),
        (["run", "--target", "refrence"], "Did you mean 'reference'"),
        (["run", "--target", "nowhere.toml"], "cannot be read"),
        (["run", "--contract", "stream.header"], "stream.headers"),
        (["run", "--fault", "http-492"], "http-429"),
        (["run", "--provider", "opena"], "openai"),
        (["run", "--defect", "double-don"], "double-done"),
        (["run", "--scenario", "models", "--fault", "cut"], "nothing to run"),
        (["run", "--jobs", "many"], "--jobs"),
        (["run", "--colour"], "--colour"),
        (["rnu"], "run"),
        (["list", "contract"], "contracts"),
        (["explain", "stream.header"], "stream.headers"),
        (["replay", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
        (["serve", "gatway"], "gateway"),
        (["serve", "gateway", "--fault", "resett"], "reset"),
        (["serve", "workflow", "--fault", "bad-crc"], "no provider of workflow"),
        (["play", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["play", "nowhere.yaml", "--side", "providers"], "provider"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_it_is_one_line_that_helps(harness, words, says):
    said = harness(*words)
    assert said.code == 2
    assert says in said.err
    assert said.err.startswith("harness: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_system_that_the_target_does_not_have_is_named(harness, tmp_path):
    profile = tmp_path / "small.toml"
    text = 'name = "small"\nlaunch = "url"\n[systems.gateway]\nurl = "http://127.0.0.1:9"\nproviders = ["openai"]\n'
    profile.write_text(text)
    said = harness("run", "agent", "--target", str(profile))
    assert said.code == 2
    assert "target 'small' does not have the system 'agent'" in said.err


def test_a_file_that_is_no_cassette_is_named(harness, tmp_path):
    path = tmp_path / "notes.yaml"
    path.write_text("just: notes\n")
    said = harness("replay", str(path))
    assert said.code == 2
    assert str(path) in said.err
    assert said.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named(harness, tmp_path):
    taken = tmp_path / "file"
    taken.write_text("")
    said = harness("run", "--results", str(taken), "--scenario", "chat-plain", "--fault", "none")
    assert said.code == 2
    assert "cannot be written" in said.err
    assert str(taken) in said.err


def test_a_port_in_use_is_named(harness):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = harness("serve", "gateway", "--port", str(port))
    assert said.code == 2
    assert f"port {port} on 127.0.0.1 is in use" in said.err


def test_a_crash_of_ours_never_looks_like_a_failed_contract(harness, monkeypatch):
    def crash():
        raise ZeroDivisionError

    monkeypatch.setattr("harness.contracts.load", crash)
    said = harness("list", "contracts")
    assert said.code == 2
    assert "ZeroDivisionError" in said.err
    assert "a bug of the harness" in said.err
