"""Contracts of what is left when a call is over, on recordings made by hand."""

from dataclasses import replace

import pytest

from harness.contracts.cleanup import LET_GO_NS
from harness.core.recording import STILL_OPEN, Ending
from harness.core.verdict import Verdict

CONTRACT = "cleanup.silent-provider-let-go"
TOLD = {"error": "Cannot connect to LLM service.", "code": "AI_GENERATION_ERROR"}


@pytest.fixture
def silent(studio):
    """The recording of a run whose provider never answered."""

    def make(marks=(), **provider):
        upstream = replace(studio.provider(None, b"", ending=Ending.CLIENT_CLOSE), **provider)
        return studio.recording(studio.run(500, TOLD), upstream, marks=marks)

    return make


@pytest.mark.parametrize(
    ("provider", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"ended_ns": 40 + LET_GO_NS}, Verdict.PASS),
        ({"ended_ns": 41 + LET_GO_NS}, Verdict.FAIL),
        ({"error": STILL_OPEN}, Verdict.FAIL),
        ({"ending": Ending.FIN}, Verdict.NOT_APPLICABLE),  # the provider itself ended it
    ],
)
def test_a_provider_that_falls_silent(studio, silent, provider, verdict):
    assert studio.judged(CONTRACT, silent(**provider)).verdict is verdict


def test_what_a_client_or_a_stop_ended_has_contracts_of_its_own(studio, silent, left):
    assert studio.judged(CONTRACT, silent(marks=[("stopping", 20, None)])).verdict is Verdict.NOT_APPLICABLE
    call, upstream = silent().exchanges
    gone = studio.recording(left(call), upstream)
    assert studio.judged(CONTRACT, gone).verdict is Verdict.NOT_APPLICABLE
    assert studio.judged("cleanup.provider-call-cancelled", gone).verdict is Verdict.PASS
