import pytest

from harness.core.errors import ProbeError
from harness.core.ledger import Kind, read_ledger


def entry(id, kind, amount, delta, balance, **more):
    return {"id": id, "kind": kind, "amount": amount, "delta": delta, "balance": balance, **more}


DATA = {
    "user_id": "u",
    "balance": 97,
    "settled": True,
    "in_flight": 0,
    "entries": [
        entry("g", "grant", 100, 100, 100),
        entry("h", "hold", 10, -10, 90),
        entry("s", "settle", 3, 7, 97, hold_id="h"),
    ],
    "usage": [
        {
            "id": "x",
            "model": "m",
            "provider": "p",
            "input_tokens": 1,
            "output_tokens": 2,
            "estimated": False,
            "credits": 3,
        }
    ],
}


def test_a_ledger_is_read_and_knows_what_ends_a_hold():
    ledger = read_ledger(DATA)
    (hold,) = ledger.of(Kind.HOLD)
    assert [end.kind for end in ledger.ends(hold)] == [Kind.SETTLE]
    assert ledger.charged() == 3


def test_what_is_stored_is_read_where_it_is_shown():
    assert read_ledger(DATA).records is None
    assert read_ledger(DATA | {"records": {"runs": ["r"], "plans": []}}).records == {"runs": ("r",), "plans": ()}


def test_a_refund_takes_back_what_was_charged():
    refunded = DATA | {"entries": [*DATA["entries"], entry("r", "refund", 3, 3, 100, hold_id="h")]}
    assert read_ledger(refunded).charged() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"balance": "97"},
        {"balance": True},
        {"entries": [{"id": "g"}]},
        {"entries": [entry("g", "gift", 1, 1, 1)]},
        {"usage": 3},
        {"records": ["r"]},
    ],
    ids=["text", "bool", "fields-missing", "unknown-kind", "no-list", "no-kinds"],
)
def test_another_shape_is_our_failure_and_says_so(change):
    with pytest.raises(ProbeError, match="not of the documented shape"):
        read_ledger(DATA | change)
