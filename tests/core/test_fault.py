from dataclasses import replace

import pytest

from harness.core.errors import UnknownName
from harness.core.fault import FAULTS, Reach, select_faults
from harness.core.names import Answer, Provider


def test_every_fault_but_none_differs_from_the_healthy_provider():
    healthy = FAULTS["none"]
    for fault in FAULTS.values():
        same = all(
            getattr(fault, name) == getattr(healthy, name)
            for name in fault.__slots__
            if name not in ("id", "summary", "applies", "providers", "group")
        )
        assert same == (fault.id == "none"), fault.id


def test_every_fault_says_to_which_answers_it_applies():
    assert all(fault.applies and fault.applies <= set(Answer) for fault in FAULTS.values())


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("cut", ["cut"]),
        ("absurd-usage", ["absurd-usage-negative", "absurd-usage-huge", "absurd-usage-nan"]),
        ("http-429*", ["http-429", "http-429-date", "http-429-bare"]),
        ("http-429", ["http-429"]),
    ],
    ids=["id", "group", "glob", "id-that-begins-others"],
)
def test_faults_are_selected_by_id_group_and_glob(pattern, chosen):
    assert [fault.id for fault in select_faults([pattern])] == chosen


def test_an_unknown_fault_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="reset-mid-stream"):
        select_faults(["reset-midstream"])


def test_only_unreachable_providers_cannot_be_tied():
    assert {fault.id for fault in FAULTS.values() if not fault.tied} == {"refused", "host-not-found"}
    assert FAULTS["refused"].reach is Reach.REFUSED


def test_a_fault_of_one_provider_strikes_no_other():
    own = FAULTS["overloaded-in-band"]
    assert own.strikes(Provider.ANTHROPIC, Answer.STREAM)
    assert not own.strikes(Provider.ANTHROPIC, Answer.PLAIN)
    assert not own.strikes(Provider.OPENAI, Answer.STREAM)
    assert all(FAULTS["cut"].strikes(provider, Answer.STREAM) for provider in Provider)


def test_a_fault_that_heals_strikes_so_many_requests_and_no_more():
    healing = replace(FAULTS["reset-before-first"], heals_after=2)
    assert [healing.at(attempt).id for attempt in range(4)] == ["reset-before-first"] * 2 + ["none"] * 2
    assert FAULTS["cut"].at(99) is FAULTS["cut"]
