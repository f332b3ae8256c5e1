"""The ids of what is stored, beside those that clients were given."""

import pytest

from harness.core.verdict import Verdict

from .conftest import RUN

ANOTHER = "33333333-3333-4333-8333-333333333333"


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ({"runs": [ANOTHER, RUN["id"]], "plans": []}, Verdict.PASS),
        ({"runs": [ANOTHER], "plans": []}, Verdict.FAIL),
        ({"runs": [RUN["id"].replace("-", "")]}, Verdict.FAIL),
        ({}, Verdict.FAIL),
        (None, Verdict.NOT_APPLICABLE),
    ],
    ids=["stored", "under-another", "in-another-form", "nowhere", "not-shown"],
)
def test_a_run_is_stored_under_the_id_that_its_client_reads(studio, records, verdict):
    name, account = studio.ledger()
    recording = studio.recording(studio.run(), studio.provider(), probes=[(name, {**account, "records": records})])
    assert studio.judged("ids.answer-is-the-record", recording).verdict is verdict


def test_a_target_without_ledger_is_not_asked(studio):
    recording = studio.recording(studio.run(), studio.provider(), capabilities=frozenset({"provider"}))
    assert studio.judged("ids.answer-is-the-record", recording).verdict is Verdict.UNSUPPORTED
