import pytest

from harness.core.errors import ProfileError
from harness.core.names import Capability, System
from harness.core.profile import read_profile

GOOD = {"name": "mine", "launch": "url", "systems": {"gateway": {"url": "http://127.0.0.1:1", "providers": ["openai"]}}}


def changed(**changes):
    return {**GOOD, **changes}


def test_a_small_profile_is_enough():
    profile = read_profile(GOOD, "mine.toml")
    assert profile.facts(System.GATEWAY)["providers"] == ["openai"]
    assert profile.capabilities == ()


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (changed(launch="docker"), "launch"),
        (changed(colour="blue"), "colour"),
        (changed(systems={"gatway": {"providers": ["openai"]}}), "gatway"),
        (changed(systems={}), "no system"),
        (changed(systems={"gateway": {"providers": ["openai"]}}), "needs systems.gateway.url"),
        (changed(systems={"gateway": {"url": "127.0.0.1", "providers": ["openai"]}}), "not an http"),
        (changed(systems={"gateway": {"url": "http://x", "providers": []}}), "providers is empty"),
        (changed(launch="command"), "needs a command"),
        (changed(capabilities=[Capability.LEDGER.value]), "need a probe_url"),
        ({"launch": "url"}, "name"),
    ],
    ids=[
        "launch",
        "unknown-key",
        "unknown-system",
        "none",
        "no-url",
        "no-scheme",
        "no-provider",
        "no-command",
        "no-probe",
        "no-name",
    ],
)
def test_a_bad_profile_is_refused_naming_file_and_key(tables, words):
    with pytest.raises(ProfileError, match=words) as refused:
        read_profile(tables, "mine.toml")
    assert str(refused.value).startswith("mine.toml: ")


@pytest.mark.parametrize(
    ("tables", "fix"),
    [
        ({"launch": "comand"}, "'command'"),
        ({"capabilities": ["provder"]}, "'provider'"),
        ({"systems": {"gatway": {}}}, "'gateway'"),
        ({"systems": {"gateway": {"providers": ["opena"]}}}, "'openai'"),
        ({"systems": {"gateway": {"providers": ["openai"], "models": [{"id": "m", "provider": "opeai"}]}}}, "'openai'"),
        ({"simulator_ports": {"grok": 1}}, "'groq'"),
        ({"sytems": {}}, "'systems'"),
    ],
    ids=["launch", "capability", "system", "provider", "model", "port", "key"],
)
def test_what_a_wrong_name_may_have_meant_is_told(tables, fix):
    with pytest.raises(ProfileError) as refused:
        read_profile({"name": "x", "launch": "url", "systems": {}, **tables}, "mine.toml")
    assert f"Did you mean {fix}" in refused.value.fix
