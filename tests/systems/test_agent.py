"""The agent's tables: its ids, and the life of a session."""

from uuid import UUID

import pytest

from harness.systems import agent
from harness.systems.agent import TRANSITIONS, State, Step, session_uuid

OLD = "session-1712345678901-k3j9x2"


def test_every_state_but_absent_is_reached_and_every_step_is_taken():
    assert {one.after for one in TRANSITIONS.values()} == set(State)
    assert {step for _, step in TRANSITIONS} == set(Step)


def test_a_refused_step_changes_nothing():
    for (state, _), after in TRANSITIONS.items():
        if after.code is not None or after.status is None:
            assert after.after is state


def test_a_session_is_never_forgotten():
    assert all(one.after is not State.ABSENT for (state, _), one in TRANSITIONS.items() if state is not State.ABSENT)


def test_an_old_style_id_is_mapped_by_its_whole_text():
    assert session_uuid(OLD) == UUID("56170300-6749-534b-bf44-aabf2a0d0523")
    assert session_uuid(OLD) != session_uuid(OLD + "x")


@pytest.mark.parametrize("text", ["session-1-a", OLD + "-more", "session-1712-0.k3-j9_x2~", OLD + "a" * 100])
def test_an_old_style_id_has_any_time_and_whatever_a_url_takes(text):
    assert session_uuid(text).version == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        "session-1-",
        "session-a-a",
        "session--a",
        OLD + " ",
        OLD + "a" * 128,
        OLD.upper(),
        "0" * 32,
        "urn:uuid:" + "0" * 36,
    ],
)
def test_what_is_no_id_means_no_session(text):
    assert session_uuid(text) is None


def test_a_breaker_is_what_the_profile_says_unless_the_variant_says_otherwise():
    assert agent.breaker({}, {}) == (5, 30.0)
    numbers = {"numbers": {"breaker_failures": 9, "breaker_cool_down_s": 2}}
    assert agent.breaker(numbers, {}) == (9, 2.0)
    assert agent.breaker(numbers, {"BREAKER_FAILURES": "3", "BREAKER_COOL_DOWN_S": None}) == (3, 2.0)


def test_retry_waits_are_what_the_profile_says_unless_the_variant_says_otherwise():
    assert agent.retry_waits({}, {}) == (1.0, 0.25, 8.0)
    numbers = {"numbers": {"retry_wait_s": 2, "retry_wait_max_s": 3, "retry_jitter": 0}}
    assert agent.retry_waits(numbers, {}) == (2.0, 0.0, 3.0)
    assert agent.retry_waits(numbers, {"RETRY_WAIT_S": "0.5", "RETRY_JITTER": "0.5"}) == (0.5, 0.5, 3.0)
