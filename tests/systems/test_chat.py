"""The tables of chat: every state has every step, and nothing comes back from the dead."""

import pytest

from harness.core.names import Provider, System
from harness.providers.bedrock import family_of
from harness.providers.bedrock_encode import MODELS
from harness.systems import accounting, chat
from harness.systems.chat import TRANSITIONS, State, Step
from harness.targets.profiles import find_profile


def test_every_call_of_a_client_has_an_answer_in_every_state():
    calls = {Step.STREAM, Step.OBSERVE, Step.DELETE}
    assert {(state, step) for state in State for step in calls} <= set(TRANSITIONS)
    assert all(TRANSITIONS[state, step].statuses for state in State for step in calls)


def test_a_step_that_is_refused_has_a_code_and_changes_nothing():
    for (state, _), one in TRANSITIONS.items():
        assert one.legal == (one.code is None)
        assert one.legal or one.after is state


def test_nobody_comes_back_from_the_dead_and_every_state_is_reached():
    assert {one.after for (state, _), one in TRANSITIONS.items() if state is State.DELETED} == {State.DELETED}
    reached, found = set(), {State.ABSENT}
    while found != reached:
        reached = found
        found = reached | {one.after for (state, _), one in TRANSITIONS.items() if state in reached}
    assert found == set(State)


def test_only_a_stream_ends():
    assert {state for state, step in TRANSITIONS if step is Step.END} == {State.STREAMING, State.DELETED}


@pytest.mark.parametrize("model", chat.MODEL_IDS)
def test_every_model_is_one_that_bedrock_has_with_the_parameters_of_its_family(model):
    assert model in MODELS
    assert family_of(model) in chat.PARAMETERS


def test_the_reference_promises_these_models():
    facts = find_profile("reference").systems[System.CHAT]
    assert facts.providers == (Provider.BEDROCK,)
    assert {model.id for model in facts.models} == set(chat.MODEL_IDS)


def test_no_two_calls_have_one_name():
    routes = (*chat.ROUTES, *accounting.ROUTES)
    assert len({route.name for route in routes}) == len({(route.method, route.path) for route in routes}) == 9
