"""The table of what a correct backend does under each fault is whole, and says what the systems' own tables say."""

import pytest

from harness.core.fault import FAULTS, Then
from harness.core.names import Answer, System
from harness.systems import agent, chat, gateway, runs, workflow
from harness.systems.outcomes import BEHAVIOURS, row, rows


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_row_for_each_answer_that_it_can_strike(fault):
    told = {(one.system, one.answer) for one in rows(fault)}
    wanted = {
        (system, answer)
        for system, behaviour in BEHAVIOURS.items()
        for answer in behaviour.answers & FAULTS[fault].applies
        if any(FAULTS[fault].strikes(provider, answer) for provider in behaviour.providers)
    }
    assert told == wanted
    assert all(one.words and one.fault == fault for one in rows(fault))


TABLES = {
    System.AGENT: agent.PROVIDER_TABLE,
    System.RUNS: runs.PROVIDER_TABLE,
    System.CHAT: chat.PROVIDER_TABLE,
    System.GATEWAY: gateway.PROVIDER_TABLE,
    System.WORKFLOW: workflow.PROVIDER_TABLE,
}


def test_these_systems_are_in_it():
    assert {one.system for one in rows("none")} == set(TABLES)


@pytest.mark.parametrize("fault", [one for one in FAULTS.values() if one.status], ids=lambda one: one.id)
def test_a_status_is_told_by_the_systems_own_table(fault):
    for one in rows(fault.id):
        assert one.outcome == TABLES[one.system].for_status(fault.status)
        assert one.status == one.outcome.status


def test_what_breaks_off_in_the_middle_has_begun_and_what_breaks_off_before_has_not():
    for fault in FAULTS.values():
        if fault.then is not Then.GO_ON:
            for told in rows(fault.id):
                assert told.begun is (fault.after > 0 and told.answer is Answer.STREAM)
                assert (told.status == 200) is told.begun


def test_the_words_name_the_code_and_the_price():
    assert row(System.AGENT, Answer.STREAM, "reset-before-first").words == (
        "502 `provider_stream_incomplete` after three tries; nothing is charged, and nothing is stored"
    )
    assert row(System.GATEWAY, Answer.STREAM, "cut").words == (
        "200, then one error event with `provider_stream_incomplete`, then `[DONE]`; what was delivered is charged"
    )
    assert row(System.CHAT, Answer.STREAM, "cut").words == (
        "200, then one error event with `PROVIDER_STREAM_INCOMPLETE`; what was delivered is charged"
    )
    assert row(System.WORKFLOW, Answer.PLAIN, "never-answers").words == (
        "504 `PROVIDER_TIMEOUT` after exactly 60 polls; the credits are refunded"
    )
    assert row(System.RUNS, Answer.PLAIN, "refused").words == (
        "500 `AI_GENERATION_ERROR`, “Cannot connect to LLM service. Please check your network connection.”; "
        "the credit is refunded"
    )
    assert "estimate" in row(System.GATEWAY, Answer.PLAIN, "no-usage").words
