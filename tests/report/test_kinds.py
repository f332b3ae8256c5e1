import pytest

from harness.contracts.upstream import Way
from harness.core.fault import FAULTS
from harness.report.kinds import OTHER, WORDS, did, kind_of

KINDS = {
    "none": "healthy",
    "slow-first-token": "slow",
    "http-429": "status",
    "refused": "unreachable",
    "host-not-found": "unreachable",
    "no-headers": "silent",
    "stall-mid-stream": "silent",
    "reset-mid-stream": "incomplete",
    "cut": "incomplete",
    "error-event": "in-band",
    "error-chunk": "in-band",
    "malformed-chunk": "invalid",
    "not-json": "invalid",
    "json-on-stream": "invalid",
    "zero-usage": "usage",
    "crlf": "form",
    "duplicate-done": "form",
    "never-answers": "silent",
    "wrong-block-type": "silent",
    "answer-not-json": "invalid",
    "answer-lacks-key": "invalid",
    "session-vanishes-later": "status",
    "answers-late": "slow",
    "text-block": "form",
}


@pytest.mark.parametrize(("fault", "kind"), KINDS.items())
def test_a_fault_is_of_the_kind_that_its_script_makes_it(fault, kind):
    assert kind_of(fault) == kind


def test_every_fault_has_a_kind_and_every_kind_words():
    assert {kind_of(fault) for fault in FAULTS} | {OTHER} == set(WORDS)
    assert {way.value for way in Way if way is not Way.COMPLETE} < set(WORDS)


def test_a_fault_of_another_version_is_not_taken_for_a_known_one():
    assert kind_of("sings") == OTHER


def test_what_the_provider_did_is_told_or_counted():
    assert did(["silent"]) == "the provider fell silent"
    assert did(["incomplete", "silent"]) == "the provider fell silent or broke off"
    assert did(list(WORDS)) == f"the provider did one thing or another ({len(WORDS)} kinds of fault)"
