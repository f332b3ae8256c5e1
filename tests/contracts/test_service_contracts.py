"""Contracts about start-up, health, strange input and outages, on recordings made by hand."""

import pytest

from harness.contracts.times import moment, utc_offset_s
from harness.core.verdict import Verdict
from harness.systems import runs

BANNER = ["PORT=4000", "GROQ_API_KEY=gsk-****", "GROQ_DEFAULT_MODEL (not set - optional)", "OPENAI_API_KEY=sk-1****"]
WELL = {"status": "ok", "supabase": "connected", "openai": "connected", "timestamp": "2026-01-01T12:00:00Z"}
ILL = {**WELL, "status": "degraded", "openai": "disconnected"}
REFUSAL = "SettingsError: .env line 2: GROQ_DEFAULT_MODEL and PORT have run together"
TOGETHER = {"kind": "run-together", "names": {"line": 2, "keys": ["GROQ_DEFAULT_MODEL", "PORT"]}}


@pytest.mark.parametrize(
    ("text", "offset_s"),
    [
        ("2026-01-01T12:00:00Z", 0),
        ("2026-01-01T12:00:00.123456+00:00", 0),
        ("2026-01-01T12:00:00+01:30", 5400),
        ("2026-01-01T12:00:00", None),
        ("2026-01-01", None),
        ("2026-01-01 12:00:00+00:00", None),
        ("yesterday", None),
        (1767268800, None),
        (None, None),
    ],
)
def test_the_zone_of_a_time(text, offset_s):
    assert utc_offset_s(text) == offset_s
    assert (moment(text) is None) is (offset_s is None)


@pytest.mark.parametrize(
    ("banner", "settings", "verdict"),
    [
        (BANNER, {}, Verdict.PASS),
        ([*BANNER[:1], "GROQ_API_KEY=[REDACTED:provider-key]", *BANNER[2:]], {}, Verdict.FAIL),
        ([*BANNER[:1], "GROQ_API_KEY=set", *BANNER[2:]], {}, Verdict.FAIL),
        ([*BANNER[:1], "GROQ_API_KEY=gsk_abcdef****", *BANNER[2:]], {}, Verdict.FAIL),
        ([*BANNER[:1], "GROQ_API_KEY=gsk_****wxyz", *BANNER[2:]], {}, Verdict.FAIL),
        ([*BANNER[:1], 'GROQ_API_KEY: "gsk_abcd***"', *BANNER[2:]], {}, Verdict.PASS),
        (BANNER[1:], {}, Verdict.FAIL),
        (BANNER, {"OPENAI_API_KEY": None}, Verdict.FAIL),
        ([*BANNER[:3], f"OPENAI_API_KEY {runs.NOT_SET}"], {"OPENAI_API_KEY": None}, Verdict.PASS),
        ([], {}, Verdict.FAIL),
    ],
    ids=[
        "right",
        "key",
        "not-masked",
        "long-prefix",
        "ends-shown",
        "other-words",
        "port-missing",
        "not-said",
        "said",
        "empty",
    ],
)
def test_the_banner(studio, banner, settings, verdict):
    probes = [("startup", {"started": True, "banner": banner, "error": None})]
    recording = studio.recording(probes=probes, asked={"settings": settings})
    assert studio.judged("config.banner-masked", recording).verdict is verdict


@pytest.mark.parametrize(
    ("mark", "probe", "verdict"),
    [
        (TOGETHER, {"started": False, "error": REFUSAL}, Verdict.PASS),
        (TOGETHER, {"started": True, "error": None}, Verdict.FAIL),
        (TOGETHER, {"started": False, "error": "the process ended"}, Verdict.FAIL),
        (TOGETHER, {"started": False, "error": REFUSAL.replace("line 2", "line 23")}, Verdict.FAIL),
        (TOGETHER, {"started": False, "error": REFUSAL.replace("PORT", "it")}, Verdict.FAIL),
        ({"kind": "good", "names": None}, {"started": True, "error": None}, Verdict.PASS),
        ({"kind": "good", "names": None}, {"started": False, "error": "no"}, Verdict.FAIL),
    ],
    ids=["refused", "believed", "unnamed", "another-line", "one-name", "good", "good-refused"],
)
def test_lines_that_have_run_together(studio, mark, probe, verdict):
    recording = studio.recording(probes=[("startup", probe)], marks=[("env-file", 40, mark)])
    assert studio.judged("config.run-together-refused", recording).verdict is verdict


def test_a_start_of_which_nothing_is_known_is_inconclusive(studio):
    recording = studio.recording(marks=[("env-file", 40, TOGETHER)])
    assert studio.judged("config.run-together-refused", recording).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("status", "body", "down", "verdict"),
    [
        (200, WELL, False, Verdict.PASS),
        (503, ILL, True, Verdict.PASS),
        (200, WELL, True, Verdict.FAIL),
        (503, ILL, False, Verdict.FAIL),
        (200, ILL, True, Verdict.FAIL),
        (503, {**ILL, "supabase": "disconnected"}, True, Verdict.FAIL),
        (200, {**WELL, "timestamp": "2026-01-01 12:00"}, False, Verdict.FAIL),
        (200, b"ok", False, Verdict.FAIL),
        (401, {"error": "token"}, False, Verdict.NOT_APPLICABLE),
    ],
)
def test_health(studio, status, body, down, verdict):
    marks = [("provider-down", 5, None)] if down else [("provider-down", 1, None), ("provider-back", 5, None)]
    recording = studio.recording(studio.health(status, body), marks=marks)
    assert studio.judged("health.tells-the-truth", recording).verdict is verdict


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (503, {**WELL, "status": "degraded", "supabase": "disconnected"}, Verdict.PASS),
        (200, WELL, Verdict.FAIL),
        (503, ILL, Verdict.FAIL),
    ],
    ids=["said", "unseen", "another-part"],
)
def test_health_of_a_store_that_is_gone(studio, status, body, verdict):
    recording = studio.recording(studio.health(status, body), marks=[("store-down", 5, None)])
    assert studio.judged("health.tells-the-truth", recording).verdict is verdict


def test_health_costs_nothing(studio):
    hold = {"id": "h1", "kind": "hold", "amount": 1, "delta": -1, "balance": 9}
    for entries, verdict in ((), Verdict.PASS), ((hold,), Verdict.FAIL):
        recording = studio.recording(studio.health(200, WELL), probes=[studio.ledger(*entries)])
        assert studio.judged("health.costs-nothing", recording).verdict is verdict


def test_health_is_for_everybody(studio):
    assert studio.judged("health.needs-no-token", studio.recording(studio.health(401, {}))).verdict is Verdict.FAIL
    assert studio.judged("health.needs-no-token", studio.recording(studio.health(503, ILL))).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("accept", "status", "verdict"),
    [
        (False, 201, Verdict.PASS),
        (False, 400, Verdict.PASS),
        (False, 413, Verdict.PASS),
        (False, 500, Verdict.FAIL),
        (False, None, Verdict.FAIL),
        (True, 201, Verdict.PASS),
        (True, 400, Verdict.FAIL),
    ],
)
def test_strange_input(studio, accept, status, verdict):
    marks = [("odd-input", 5, {"tie": "t.1", "kind": "strange", "accept": accept})]
    recording = studio.recording(studio.run(status, {}), marks=marks)
    assert studio.judged("errors.odd-input-survived", recording).verdict is verdict


def test_strange_input_that_the_provider_refused_is_judged_by_that(studio):
    marks = [("odd-input", 5, {"tie": "t.1", "kind": "strange", "accept": True})]
    recording = studio.recording(studio.run(500, {}), studio.provider(503, b""), marks=marks)
    assert studio.judged("errors.odd-input-survived", recording).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("status", "provider", "verdict"),
    [(201, 200, Verdict.PASS), (500, None, Verdict.FAIL), (500, 200, Verdict.FAIL), (500, 503, Verdict.PASS)],
)
def test_an_outage_that_is_over(studio, status, provider, verdict):
    marks = [("provider-down", 1, None), ("provider-back", 5, None)]
    exchanges = [studio.run(status, None if status == 201 else {})]
    exchanges += [] if provider is None else [studio.provider(provider, None if provider == 200 else b"")]
    recording = studio.recording(*exchanges, marks=marks)
    assert studio.judged("resilience.outage-forgotten", recording).verdict is verdict


@pytest.mark.parametrize(
    ("foreign", "verdict"),
    [
        ((404, {"error": "Project not found"}), Verdict.PASS),
        ((403, {"error": "Project not found"}), Verdict.FAIL),
        ((404, {"error": "Not your project"}), Verdict.FAIL),
    ],
)
def test_a_project_of_somebody_elses(studio, foreign, verdict):
    marks = [
        ("strange-project", 5, {"tie": f"t.{n}", "kind": kind, "id": "x"})
        for n, kind in ((1, "absent"), (2, "foreign"))
    ]
    absent = studio.run(404, {"error": "Project not found"})
    recording = studio.recording(absent, studio.run(*foreign, id="c2", tie="t.2"), marks=marks)
    assert studio.judged("errors.foreign-like-absent", recording).verdict is verdict
