"""A race on somebody else's target, of which nothing is to be had but a token: measured, and judged by its answers."""

from pathlib import Path

import pytest

from harness.cassettes import file
from harness.core.profile import read_profile
from harness.core.race import races
from harness.core.verdict import Verdict
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts

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
