from dataclasses import replace

import pytest

from harness.core.errors import UnknownName
from harness.core.fault import FAULTS, Reach, select_faults
from harness.core.names import Answer, Form, Provider


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
    own = FAULTS["bad-crc"]
    assert own.strikes(Provider.BEDROCK, Answer.STREAM)
    assert not own.strikes(Provider.BEDROCK, Answer.PLAIN)
    assert not own.strikes(Provider.OPENAI, Answer.STREAM)


def test_a_fault_of_one_form_strikes_whoever_answers_in_it():
    claudes = FAULTS["overloaded-in-band"]
    struck = {provider for provider in Provider if claudes.strikes(provider, Answer.STREAM)}
    assert struck == {Provider.ANTHROPIC, Provider.VERTEX}
    assert claudes.strikes(Provider.BEDROCK, Answer.STREAM, Form.FRAMED_EVENTS)
    assert not claudes.strikes(Provider.VERTEX, Answer.STREAM, Form.CANDIDATES)


def test_a_fault_strikes_the_calls_of_an_answer_or_the_one_that_it_names():
    usual, named = FAULTS["http-503"], replace(FAULTS["http-503"], operation="models.list")
    assert [usual.on("messages").id, usual.on("models.list", named=True).id] == ["http-503", "none"]
    assert [named.on("messages").id, named.on("models.list", named=True).id] == ["none", "http-503"]


def test_who_has_no_streams_is_struck_in_none():
    assert {who for who in Provider if not FAULTS["cut"].strikes(who, Answer.STREAM)} == {Provider.CHATKIT}


def test_a_fault_that_heals_strikes_so_many_requests_and_no_more():
    healing = replace(FAULTS["reset-before-first"], heals_after=2)
    assert [healing.at(attempt).id for attempt in range(4)] == ["reset-before-first"] * 2 + ["none"] * 2
    assert FAULTS["cut"].at(99) is FAULTS["cut"]
