"""A race on somebody else's target, of which nothing is to be had but a token: measured, and judged by its answers."""

from pathlib import Path

import pytest

from harness.cassettes import file
from harness.core.profile import read_profile
from harness.core.race import SWEEP, races
from harness.core.verdict import Verdict
from harness.scenarios.chat_races import OFFSETS_MS
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts

ONLOOKER = str(Path(__file__).with_name("onlooker.py"))
SUBMITTER = str(Path(__file__).with_name("submitter.py"))
SPENDER = str(Path(__file__).with_name("spender.py"))
MODELS = [
    {"id": "gpt-4o-mini", "provider": "openai", "input_usd_per_million": "0.15", "output_usd_per_million": "0.60"}
]


def profile(kind):
    tables = {
        "name": "spender",
        "launch": "command",
        "command": ["{python}", SPENDER, "{port}", kind],
        "auth": {"token_env": "SPENDERS_TOKEN"},
        "systems": {"gateway": {"providers": ["openai"], "models": MODELS, "numbers": {"race_affordable": 3}}},
    }
    return read_profile(tables, "spender.toml")


@pytest.mark.parametrize(("kind", "verdict", "served"), [("racy", Verdict.FAIL, 8), ("sound", Verdict.PASS, 3)])
async def test_a_balance_is_raced_for(monkeypatch, tmp_path, kind, verdict, served):
    monkeypatch.setenv("SPENDERS_TOKEN", "any")
    target = profile(kind)
    planned = plan(target, Wanted(scenarios=("measured-double-spend",)))
    contracts = select_contracts(("race.no-double-spend",))
    result = await run(target, planned, contracts, Options(keep=lambda case: tmp_path / f"{case}.yaml"))
    (done,) = result.results
    assert [(one.verdict, one.note) for one in done.judgements] == [(verdict, "")]
    (race,) = races(file.load(done.cassette))
    assert [one.outcome for one in race.runners].count("served") == served
    assert race.met
    assert 0 <= race.skew_ns < race.window_ns


@pytest.mark.parametrize(("kind", "verdict"), [("late", Verdict.FAIL), ("sound", Verdict.PASS)])
async def test_observers_are_let_go_around_the_headers(monkeypatch, tmp_path, kind, verdict):
    monkeypatch.setenv("ONLOOKERS_TOKEN", "any")
    tables = {
        "name": "onlooker",
        "launch": "command",
        "command": ["{python}", ONLOOKER, "{port}", kind],
        "auth": {"token_env": "ONLOOKERS_TOKEN", "supervisor_token_env": "ONLOOKERS_TOKEN"},
        "systems": {"chat": {"providers": ["bedrock"], "models": [{"id": "any", "provider": "bedrock"}]}},
    }
    target = read_profile(tables, "onlooker.toml")
    planned = plan(target, Wanted(scenarios=("measured-observe",)))
    contracts = select_contracts(("race.visible-from-the-headers-on", "race.observer-let-in"))
    result = await run(target, planned, contracts, Options(keep=lambda case: tmp_path / f"{case}.yaml"))
    (done,) = result.results
    assert {(one.verdict, one.note) for one in done.judgements} == {(verdict, "")}
    sweeps = list(races(file.load(done.cassette), SWEEP))
    assert len(sweeps) == len(OFFSETS_MS)
    assert any(one.runners[0].released_ns > one.origin_ns for one in sweeps)


@pytest.mark.parametrize(
    ("kind", "scenario", "contract", "verdict"),
    [
        ("patient", "measured-double-submit", "race.no-double-submit", Verdict.PASS),
        ("racy", "measured-double-submit", "race.no-double-submit", Verdict.FAIL),
        ("sound", "measured-delete", "race.deletion-wins", Verdict.PASS),
        ("deaf", "measured-delete", "race.deletion-wins", Verdict.FAIL),
    ],
)
async def test_two_requests_for_one_session_are_let_go_at_once(
    monkeypatch, tmp_path, kind, scenario, contract, verdict
):
    monkeypatch.setenv("SUBMITTERS_TOKEN", "any")
    tables = {
        "name": "submitter",
        "launch": "command",
        "command": ["{python}", SUBMITTER, "{port}", kind],
        "auth": {"token_env": "SUBMITTERS_TOKEN", "supervisor_token_env": "SUBMITTERS_TOKEN"},
        "systems": {"chat": {"providers": ["bedrock"], "models": [{"id": "any", "provider": "bedrock"}]}},
    }
    target = read_profile(tables, "submitter.toml")
    planned = plan(target, Wanted(scenarios=(scenario,)))
    contracts = select_contracts((contract,))
    result = await run(target, planned, contracts, Options(keep=lambda case: tmp_path / f"{case}.yaml"))
    (done,) = result.results
    assert [(one.verdict, one.note) for one in done.judgements] == [(verdict, "")]
