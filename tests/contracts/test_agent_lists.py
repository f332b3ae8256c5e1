"""What the list of models must say where Vertex refuses it, on recordings made by hand."""

from dataclasses import replace

import pytest

from harness.core.recording import Ending, Side
from harness.core.verdict import Verdict
from harness.providers.vertex import MODELS, TOKEN
from harness.systems import agent

MAPPED, NOT_KEPT = "models.list-failure-mapped", "models.list-failure-not-kept"


@pytest.fixture
def judged(studio):
    """The verdict on lists and what Vertex was asked, each from ``at`` on."""

    def verdict(contract, *exchanges):
        return studio.judged(contract, studio.recording(*exchanges, system="agent", provider="vertex")).verdict

    return verdict


@pytest.fixture
def listed(studio):
    def made(status, code=None, at=0):
        said = {"object": "list", "data": []} if code is None else {"error": {"message": "no", "code": code}}
        one = studio.exchange(f"c{at}", Side.CLIENT, agent.MODELS.name, b"", status, said, sent_ns=at, tie=None)
        return replace(one, ended_ns=at + 9)

    return made


@pytest.fixture
def theirs(studio):
    def made(status, said=b"{}", at=1, operation=MODELS, ending=Ending.EOF):
        one = studio.exchange(f"p{at}", Side.PROVIDER, operation, b"", status, said, sent_ns=at, tie=None)
        return replace(one, ended_ns=at + 1, ending=ending)

    return made


FAILURES = {
    "unavailable": ({"status": 503}, (503, "provider_unavailable")),
    "auth": ({"status": 403}, (502, "provider_auth_error")),
    "limited": ({"status": 429}, (429, "rate_limit_exceeded")),
    "not-json": ({"status": 200, "said": b"warming up"}, (502, "provider_invalid_response")),
    "reset": ({"status": 200, "said": b"{}", "ending": Ending.RESET}, (502, "provider_invalid_response")),
    "silent": ({"status": None, "ending": Ending.CLIENT_CLOSE}, (504, "provider_timeout")),
    "refused": ({"status": None, "ending": Ending.CONNECT_ERROR}, (503, "provider_unreachable")),
    "no-grant": ({"status": 400, "operation": TOKEN}, (502, "provider_auth_error")),
    "token-limited": ({"status": 429, "operation": TOKEN}, (429, "rate_limit_exceeded")),
    "token-down": ({"status": 503, "operation": TOKEN}, (503, "provider_unavailable")),
}


@pytest.mark.parametrize(("failed", "told"), FAILURES.values(), ids=FAILURES)
def test_a_failure_has_the_status_and_the_code_of_the_table(judged, listed, theirs, failed, told):
    assert judged(MAPPED, listed(*told), theirs(**failed)) is Verdict.PASS
    for other in ((500, "internal_error"), (200, None), (told[0], "other")):
        assert judged(MAPPED, listed(*other), theirs(**failed)) is Verdict.FAIL


def test_the_last_that_was_asked_decides(judged, listed, theirs):
    renewed = (theirs(401, at=1), theirs(200, at=3, operation=TOKEN), theirs(200, at=5))
    assert judged(MAPPED, listed(200), *renewed) is Verdict.NOT_APPLICABLE
    again = (*renewed[:2], theirs(401, at=5))
    assert judged(MAPPED, listed(502, "provider_auth_error"), *again) is Verdict.PASS
    assert judged(MAPPED, listed(503, "no_access_token")) is Verdict.NOT_APPLICABLE


def test_after_a_failure_vertex_is_asked_again(judged, listed, theirs):
    failed = (listed(503, "provider_unavailable"), theirs(503))
    assert judged(NOT_KEPT, *failed) is Verdict.NOT_APPLICABLE
    assert judged(NOT_KEPT, *failed, listed(200, at=20), theirs(200, at=21)) is Verdict.PASS
    assert judged(NOT_KEPT, *failed, listed(503, "provider_unavailable", at=20)) is Verdict.FAIL
    well = (listed(200), theirs(200))
    assert judged(NOT_KEPT, *well, listed(200, at=20)) is Verdict.NOT_APPLICABLE
