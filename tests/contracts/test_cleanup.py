"""Contracts of what is left when a call is over, on recordings made by hand."""

from dataclasses import replace

import pytest

from harness.contracts.cleanup import LEFT_NS, LET_GO_NS
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
        ({"ending": Ending.FIN}, Verdict.PASS),  # the provider itself ended it
        ({"ending": Ending.CONNECT_ERROR}, Verdict.NOT_APPLICABLE),
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


@pytest.mark.parametrize(
    ("provider", "verdict"),
    [
        ({"ended_ns": 40 + LEFT_NS}, Verdict.PASS),
        ({"ended_ns": 41 + LEFT_NS}, Verdict.FAIL),
        ({"ending": Ending.EOF}, Verdict.FAIL),
        ({"error": STILL_OPEN}, Verdict.FAIL),
    ],
)
def test_a_provider_whose_client_left_is_let_go_soon(studio, silent, left, provider, verdict):
    call, upstream = silent(**provider).exchanges
    assert studio.judged("cleanup.provider-call-cancelled", studio.recording(left(call), upstream)).verdict is verdict


@pytest.mark.parametrize(
    ("loads", "kinds", "grown", "verdict"),
    [
        (8, 1, 0, Verdict.PASS),
        (8, 1, 3, Verdict.INCONCLUSIVE),
        (8, 1, 4, Verdict.FAIL),
        (8, 4, 1, Verdict.INCONCLUSIVE),
        (8, 4, 2, Verdict.FAIL),  # each of the calls of one kind
        (4, 1, 2, Verdict.FAIL),
        (2, 1, 1, Verdict.INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize("name", ["tasks", "in_flight"])
def test_what_grows_with_the_calls_has_leaked(studio, name, loads, kinds, grown, verdict):
    made = [studio.run(id=f"c{number}", tie=f"t.{number}") for number in range(2 * loads)]
    probes = [("resources-before", {name: 5}), ("resources-after", {name: 5 + grown})]
    marks = [("kinds", 1, {"kinds": kinds})] if kinds > 1 else []
    seen = studio.recording(*made, probes=probes, marks=marks)
    assert studio.judged("cleanup.nothing-leaks", seen).verdict is verdict
