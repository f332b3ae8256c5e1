"""Seeded leaks are named by the tests that leak, with the line that leaks; their clean twins pass."""

import re
from pathlib import Path

import pytest

SEEDS = Path(__file__).with_name("seeds.py")
ELEVEN = {
    "a session that is never closed": "test_session_leaks",
    "a connector that is never closed": "test_connector_leaks",
    "a response that is never read or released": "test_response_leaks",
    "a stream that is left half-read": "test_half_read_stream_leaks",
    "a task that runs on": "test_running_task_leaks",
    "a task that waits for ever": "test_waiting_task_leaks",
    "a thread that runs on": "test_thread_leaks",
    "a socket left open": "test_socket_leaks",
    "a file left open": "test_file_leaks",
    "an async generator left half-iterated": "test_generator_leaks",
    "a server left open": "test_server_leaks",
}


def planted():
    """By test: the line and the kind of its leak, or None for a clean one."""
    found, test = {}, ""
    for number, line in enumerate(SEEDS.read_text("utf-8").splitlines(), 1):
        if begun := re.match(r"(?:async )?def (test_\w+)", line):
            test = begun.group(1)
            found[test] = None
        elif test and (leak := re.search(r"# leaks an? (.+)$", line)):
            found[test] = ("seeds.py", number, leak.group(1))
    return found


PLANTED = planted()


@pytest.fixture(scope="module")
def outcomes(run_tests):
    return run_tests(SEEDS)


@pytest.mark.parametrize("name", [name for name, leak in PLANTED.items() if leak])
def test_a_leak_is_named_with_its_line_and_nothing_else_is(outcomes, name):
    assert outcomes[name].word == "failure"
    assert outcomes[name].leaks == [PLANTED[name]]


@pytest.mark.parametrize("name", [name for name, leak in PLANTED.items() if not leak])
def test_a_clean_twin_passes(outcomes, name):
    assert outcomes[name].word == "passed", outcomes[name].text


def test_side_by_side_the_leaking_tests_fail_and_no_others(outcomes):
    assert {name for name, outcome in outcomes.items() if outcome.word != "passed"} == {
        name for name in PLANTED if name.endswith("_leaks")
    }


def test_each_leak_has_a_twin():
    twins = {name.removesuffix("_clean") for name in PLANTED if name.endswith("_clean")}
    assert {
        name.removesuffix("_leaks").removesuffix("_dropped") for name in PLANTED if name.endswith("_leaks")
    } == twins


def test_of_eleven_kinds_of_leak_all_are_named(outcomes):
    named = {words: outcomes[name].leaks == [PLANTED[name]] for words, name in ELEVEN.items()}
    assert len(named) == 11
    assert [words for words, found in named.items() if not found] == []


def test_a_loop_in_debug_mode_changes_nothing(run_tests, outcomes):
    debugged = run_tests(SEEDS, "-o", "asyncio_debug=true")
    assert {name: (one.word, one.leaks) for name, one in debugged.items()} == {
        name: (one.word, one.leaks) for name, one in outcomes.items()
    }
