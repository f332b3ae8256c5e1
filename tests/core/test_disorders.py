"""What is known to go wrong with accounts, and how it is said."""

import pytest

from harness.core.history import check
from harness.core.operation import Operation

MS = 1_000_000
DELTAS = {"grant": 1, "refund": 1, "hold": -1}


def op(id, kind, amount, balance, start_ms, end_ms, *, of=None, held=None):
    """An operation on one account; ``held`` is what its hold had set aside, where it ends one."""
    delta = DELTAS[kind] * amount if kind in DELTAS else held - (amount if kind == "settle" else 0)
    return Operation(
        id=id,
        kind=kind,
        amount=amount,
        delta=delta,
        balance=balance,
        hold_id=of,
        started_ns=start_ms * MS,
        ended_ns=end_ms * MS,
    )


HOLD_LATER = op("h", "hold", 60, 45, 4, 5)
GRANT = op("g", "grant", 100, 100, 1, 2)
HOLD = op("h", "hold", 60, 40, 3, 4)


def changed(one, **fields):
    return Operation(**{name: getattr(one, name) for name in one.__slots__} | fields)


HELD = {"of": "h", "held": 60}
KNOWN_BAD = {
    "lost update": ([GRANT, HOLD, op("i", "hold", 60, 40, 3, 5)], ["h", "i"], "2 operations saw a balance of 100"),
    "lost update, three at once": (
        [GRANT, HOLD, op("i", "hold", 60, 40, 3, 5), op("j", "hold", 60, 40, 3, 6)],
        ["h", "i"],
        "at most 1 can have found it there",
    ),
    "lost update among innocents": (
        [GRANT, op("a", "grant", 7, 107, 3, 9), HOLD, op("i", "hold", 60, 40, 3, 5), op("b", "grant", 1, 41, 4, 9)],
        ["h", "i"],
        "at most 1 can have found it there",
    ),
    "overdraft": ([GRANT, HOLD, op("i", "hold", 60, -20, 3, 5)], ["i"], "left a balance of -20, below zero"),
    "settled twice": (
        [GRANT, HOLD, op("s", "settle", 10, 90, 5, 6, **HELD), op("t", "settle", 10, 140, 7, 8, **HELD)],
        ["s", "t"],
        "ended 2 times, by settle of 10 and settle of 10",
    ),
    "settled and released": (
        [GRANT, HOLD, op("s", "settle", 10, 90, 5, 6, **HELD), op("t", "release", 60, 150, 7, 8, **HELD)],
        ["s", "t"],
        "ended 2 times, by settle of 10 and release of 60",
    ),
    "refunded twice": (
        [
            GRANT,
            HOLD,
            op("s", "settle", 10, 90, 5, 6, **HELD),
            op("r", "refund", 10, 100, 7, 8, of="h"),
            op("q", "refund", 10, 110, 8, 9, of="h"),
        ],
        ["r", "q"],
        "refunded 2 times",
    ),
    "refunded before a late settlement": (
        [GRANT, HOLD, op("r", "refund", 10, 50, 5, 6, of="h"), op("s", "settle", 10, 100, 7, 8, **HELD)],
        ["r", "s"],
        "The refund was over before the settle",
    ),
    "refunded though released": (
        [GRANT, HOLD, op("s", "release", 60, 100, 5, 6, **HELD), op("r", "refund", 10, 110, 7, 8, of="h")],
        ["s", "r"],
        "released, not settled",
    ),
    "refunded too much": (
        [GRANT, HOLD, op("s", "settle", 10, 90, 5, 6, **HELD), op("r", "refund", 11, 101, 7, 8, of="h")],
        ["s", "r"],
        "more than the 10 charged",
    ),
    "stale balance": (
        [GRANT, HOLD, op("i", "hold", 30, 70, 5, 6)],
        ["i"],
        "From a balance of 40, a hold of 30 leaves 10",
    ),
    "stale balance while another is under way": (
        [GRANT, op("a", "grant", 5, 15, 3, 9), HOLD, op("i", "hold", 30, 70, 5, 6)],
        ["i"],
        "which was there at first, and which a hold had changed before it began",
    ),
    "stale balance that was not the first": (
        [
            GRANT,
            op("z", "grant", 1, 46, 3, 9),
            op("a", "grant", 5, 105, 3, 4),
            op("h", "hold", 60, 45, 5, 6),
            op("i", "hold", 30, 75, 7, 8),
        ],
        ["i"],
        "which a grant left last, and which a hold had changed before it began",
    ),
    "balance made up": ([GRANT, op("h", "hold", 60, 45, 3, 4)], ["h"], "leaves 40, and it reported 45"),
    "balance made up while another is under way": (
        [GRANT, op("a", "grant", 5, 45, 3, 9), op("h", "hold", 60, 45, 3, 4)],
        ["h"],
        "saw a balance of 105, which nothing left there; it was 100 when",
    ),
    "each explains the other": (
        [GRANT, op("a", "hold", 10, 40, 3, 5), op("b", "grant", 10, 50, 4, 6)],
        ["b"],
        "in no order that the times allow, whatever the 1 under way beside it did",
    ),
    "ended before it began": (
        [GRANT, op("s", "release", 60, 160, 3, 4, **HELD), op("h", "hold", 60, 100, 5, 6)],
        ["s", "h"],
        "was over before the hold",
    ),
    "refused though covered": (
        [GRANT, Operation.refused("x", 60, 100, started_ns=3 * MS, ended_ns=4 * MS)],
        ["x"],
        "covers",
    ),
    "refused though the balance covers it": (
        [GRANT, Operation.refused("x", 60, started_ns=3 * MS, ended_ns=4 * MS)],
        ["x"],
        "From a balance of 100, a hold of 60 succeeds, and it was refused",
    ),
    "two of one id": ([GRANT, changed(GRANT, balance=200)], ["g", "g"], "bear the id g"),
    "wrong for its kind": (
        [GRANT, changed(HOLD, delta=-50, balance=50)],
        ["h"],
        "moved the balance by -50, not by -60",
    ),
}


@pytest.mark.parametrize(("history", "ids", "words"), KNOWN_BAD.values(), ids=KNOWN_BAD)
def test_what_is_known_to_be_bad_is_refused_with_exactly_the_operations_that_show_it(history, ids, words):
    first = check(history).disorders[0]
    assert [one.id for one in first.operations] == ids
    assert words in first.why
    assert first.least


def test_a_disorder_is_printed_with_kind_amount_balance_start_and_end():
    (disorder,) = check([GRANT, op("a", "grant", 5, 105, 3, 4), HOLD_LATER, op("i", "hold", 60, 45, 4, 6)]).disorders
    assert str(disorder).splitlines() == [
        "2 operations saw a balance of 105 before them; at most 1 can have found it there.",
        "  hold 60 -> 45, 1.000 to 2.000 ms",
        "  hold 60 -> 45, 1.000 to 3.000 ms",
        "  beside: grant 5 -> 105, 0.000 to 1.000 ms",
    ]
    assert "1.000 to 2.000 ms" not in str(disorder.lines(origin_ns=0))


def test_one_that_found_the_balance_of_the_beginning_is_said():
    (disorder,) = check([GRANT, HOLD, op("i", "hold", 60, 40, 3, 5)]).disorders
    assert disorder.why.endswith("at most 1 can have found it there. The balance was 100 before they began.")
    assert disorder.witnesses == ()
