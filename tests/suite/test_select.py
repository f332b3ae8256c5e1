import msgspec
import pytest

from harness import scenarios
from harness.core.errors import UnknownName, UsageError
from harness.core.names import Capability, Provider
from harness.core.recording import NO_FAULT
from harness.suite.select import Wanted, plan, select_contracts, variant
from harness.targets.profiles import find_profile

REFERENCE = find_profile("reference")


def cases(**wanted):
    return plan(REFERENCE, Wanted(**{key: tuple(value) for key, value in wanted.items()}))


def test_all_cases_are_different_and_in_a_fixed_order():
    planned = cases()
    assert len({one.case for one in planned}) == len(planned)
    assert planned == cases()


def test_faults_strike_only_the_answers_that_they_apply_to():
    streamed = {one.case.fault for one in cases(scenarios=["chat-stream"])}
    plain = {one.case.fault for one in cases(scenarios=["chat-plain"])}
    assert {"cut", "none", "http-429"} <= streamed
    assert "cut" not in plain
    assert {"not-json", "none", "http-429"} <= plain


def test_a_fault_of_one_provider_is_left_out_for_the_others():
    own = [one for one in cases() if one.fault.providers is not None]
    assert all(one.case.provider in one.fault.providers for one in own)
    struck = {(one.case.provider, one.fault.id) for one in own if one.case.system == "gateway"}
    assert {(Provider.BEDROCK, "bad-crc"), (Provider.VERTEX, "expired-token")} <= struck


def test_a_fault_of_one_form_strikes_the_models_that_answer_in_it():
    planned = cases(systems=["gateway"], scenarios=["chat-stream*"], faults=["overloaded-in-band", "crlf"])
    struck = {(one.case.scenario, one.case.provider, one.case.fault) for one in planned}
    assert {(scenario, provider) for scenario, provider, fault in struck if fault == "overloaded-in-band"} == {
        (scenario, provider) for scenario in ("chat-stream", "chat-stream-bare") for provider in ("anthropic", "vertex")
    }
    assert ("chat-stream", "vertex", "crlf") in struck
    assert not [one for one in struck if one[1] == "bedrock" or "gemini" in one[0]]


def test_a_selection_is_the_intersection_of_what_is_asked():
    planned = cases(systems=["gateway"], scenarios=["chat-*"], providers=["groq"], faults=["cut", "absurd-usage"])
    assert {(one.case.scenario, one.case.fault) for one in planned} == {
        *((scenario, "cut") for scenario in ("chat-stream", "chat-stream-bare")),
        *(
            (scenario, f"absurd-usage-{kind}")
            for scenario in ("chat-plain", "chat-stream", "chat-stream-bare")
            for kind in ("negative", "huge", "nan")
        ),
    }


def test_a_scenario_of_one_family_has_its_own_faults_and_only_where_the_family_is_listed():
    planned = cases(systems=["gateway"], scenarios=["chat-plain-llama"])
    assert [(one.case.provider, one.case.fault) for one in planned] == [("bedrock", "none"), ("bedrock", "no-usage")]
    gateway = REFERENCE.systems["gateway"]
    others = [model for model in gateway.models if "llama" not in model.id or model.provider != "bedrock"]
    systems = {"gateway": msgspec.structs.replace(gateway, models=tuple(others))}
    bare = msgspec.structs.replace(REFERENCE, systems=systems)
    assert not [one for one in plan(bare, Wanted()) if one.scenario.id == "chat-plain-llama"]


def test_every_fault_that_a_scenario_names_strikes_it():
    named = {(one.system, one.id): one.struck for one in scenarios.load().values() if one.struck}
    struck = {
        key: {one.case.fault for one in cases() if (one.scenario.system, one.scenario.id) == key} for key in named
    }
    assert struck == {key: {NO_FAULT, *faults} for key, faults in named.items()}


def test_what_cannot_be_tied_runs_alone():
    assert all(one.alone for one in cases(faults=["refused"]))
    assert not any(one.alone for one in cases(scenarios=["chat-plain"], faults=["none"]))


def test_a_host_that_is_not_found_is_a_variant_of_the_target():
    (one,) = cases(scenarios=["chat-plain"], faults=["host-not-found"], providers=["groq"])
    assert variant(one) == {"provider:groq": "http://provider.invalid"}


def test_what_a_target_lacks_is_said_and_not_dropped():
    bare = plan(
        type(REFERENCE)(name="bare", launch=REFERENCE.launch, systems=REFERENCE.systems),
        Wanted(scenarios=("chat-plain",), providers=("openai",)),
    )
    lacking = {one.case.fault: one.lacking for one in bare}
    assert lacking["none"] == frozenset()
    assert lacking["cut" if "cut" in lacking else "http-500"] == {Capability.PROVIDER}


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({"systems": ["gatway"]}, UnknownName, "Did you mean 'gateway'"),
        ({"scenarios": ["chat-plan"]}, UnknownName, "chat-plain"),
        ({"providers": ["opena"]}, UnknownName, "openai"),
        ({"faults": ["http-492"]}, UnknownName, "http-429"),
        ({"scenarios": ["models"], "faults": ["cut"]}, UsageError, "nothing to run"),
    ],
    ids=["system", "scenario", "provider", "fault", "empty"],
)
def test_a_selection_that_cannot_be_is_one_clear_line(wanted, error, words):
    with pytest.raises(error, match=words):
        cases(**wanted)


def test_a_system_that_the_target_does_not_have_is_one_clear_line():
    less = REFERENCE.only([name for name in REFERENCE.systems if name != "agent"])
    with pytest.raises(UsageError, match="does not have the system 'agent'"):
        plan(less, Wanted(systems=("agent",)))


def test_contracts_are_selected_by_id_family_and_glob():
    family = {one.id for one in select_contracts(["stream"])}
    assert family
    assert all(name.startswith("stream.") for name in family)
    assert {one.id for one in select_contracts(["stream.*"])} == family
    with pytest.raises(UnknownName, match=r"stream\.headers"):
        select_contracts(["stream.header"])
