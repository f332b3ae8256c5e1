"""Tests that leave nothing of their own open are left alone."""

from pathlib import Path

import pytest

SOUND = Path(__file__).with_name("sound.py")


@pytest.mark.parametrize(
    "options",
    [(), ("-o", "asyncio_debug=true"), ("-n", "2")],
    ids=["plain", "debug", "xdist"],
)
def test_no_false_alarm(run_tests, options):
    outcomes = run_tests(SOUND, *options)
    assert len(outcomes) == SOUND.read_text("utf-8").count("def test_")
    assert {name: one.text for name, one in outcomes.items() if one.word != "passed"} == {}
