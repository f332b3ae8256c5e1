"""What nobody is charged for, and what is shown to nobody in particular."""

from dataclasses import replace

import pytest

from harness.core.recording import Side
from harness.core.verdict import Verdict

HOLD = {"id": "h1", "kind": "hold", "amount": 1, "delta": -1, "balance": 9}
SETTLE = {"kind": "settle", "amount": 1, "delta": 0, "balance": 9, "hold_id": "h1"}
BAD = [("bad-token", 5, {"tie": "t.1", "kind": "expired"})]


@pytest.mark.parametrize(
    ("statuses", "entries", "verdict"),
    [
        ((401,), (), Verdict.PASS),
        ((401,), (HOLD, SETTLE), Verdict.FAIL),
        ((401, 201), (HOLD, SETTLE), Verdict.PASS),
    ],
    ids=["nothing", "charged", "charged-for-another"],
)
def test_a_bad_token_costs_nothing(studio, statuses, entries, verdict):
    made = [studio.run(status, id=f"c{number}") for number, status in enumerate(statuses)]
    ledger = studio.ledger(*entries, balance=9 if entries else 10)
    assert (
        studio.judged("credits.bad-token-free", studio.recording(*made, probes=[ledger], marks=BAD)).verdict is verdict
    )


def test_accounts_of_those_with_good_tokens_are_others_to_judge(studio):
    recording = studio.recording(studio.run(401), probes=[studio.ledger(balance=10)])
    assert studio.judged("credits.bad-token-free", recording).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [
        (200, (), Verdict.PASS),
        (503, (), Verdict.PASS),
        (401, (), Verdict.FAIL),
        (403, (), Verdict.FAIL),
        (401, (("authorization", "Bearer x"),), Verdict.NOT_APPLICABLE),
    ],
)
def test_a_list_of_models_is_for_all(studio, status, headers, verdict):
    listed = studio.exchange("c1", Side.CLIENT, "models.list", b"", status, {"data": []})
    listed = replace(listed, request=replace(listed.request, headers=headers))
    assert studio.judged("models.open-to-all", studio.recording(listed, system="gateway")).verdict is verdict
