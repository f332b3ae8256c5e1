"""Settings that are missing, that cannot be, and that nobody set."""

import pytest

from harness.core.verdict import Verdict

REFUSED = {"started": False, "error": "SettingsError: GROQ_API_KEY is required"}
STARTED = {"started": True, "error": None, "banner": []}


@pytest.mark.parametrize(
    ("probe", "verdict"),
    [
        (REFUSED, Verdict.PASS),
        (STARTED, Verdict.FAIL),
        ({**REFUSED, "error": "the process ended"}, Verdict.FAIL),
        (None, Verdict.INCONCLUSIVE),
    ],
    ids=["refused", "started", "unnamed", "unknown"],
)
def test_a_setting_that_is_required(studio, probe, verdict):
    probes = [] if probe is None else [("startup", probe)]
    recording = studio.recording(probes=probes, marks=[("without", 40, {"setting": "GROQ_API_KEY"})])
    assert studio.judged("config.runs-settings-required", recording).verdict is verdict


@pytest.mark.parametrize(
    ("probe", "verdict"),
    [
        ({"started": False, "error": "CREDIT_MULTIPLIER must be a number"}, Verdict.PASS),
        ({"started": False, "error": "no"}, Verdict.FAIL),
        (STARTED, Verdict.FAIL),
    ],
    ids=["refused", "unnamed", "started"],
)
def test_a_setting_that_cannot_be(studio, probe, verdict):
    marks = [("wrong", 40, {"setting": "CREDIT_MULTIPLIER", "value": "nan"})]
    recording = studio.recording(probes=[("startup", probe)], marks=marks, system="gateway")
    assert studio.judged("config.wrong-setting-refused", recording).verdict is verdict


@pytest.mark.parametrize(
    ("line", "settings", "verdict"),
    [
        ("PORT=4000", {"PORT": None}, Verdict.PASS),
        ("PORT=3000", {"PORT": None}, Verdict.FAIL),
        ("PORT=40000", {"PORT": None}, Verdict.FAIL),
        ("PORT (not set - optional)", {"PORT": None}, Verdict.FAIL),
        ("GROQ_API_URL=http://127.0.0.1:4000", {"PORT": None}, Verdict.FAIL),
        ("PORT=3000", {"PORT": "3000"}, Verdict.NOT_APPLICABLE),
        ("PORT=3000", {}, Verdict.NOT_APPLICABLE),
    ],
)
def test_a_default_that_nobody_changed(studio, line, settings, verdict):
    probes = [("startup", {**STARTED, "banner": [line]})]
    recording = studio.recording(probes=probes, asked={"settings": settings})
    assert studio.judged("config.defaults-kept", recording).verdict is verdict
