import pytest

from harness import contracts
from harness.contracts.registry import judge
from harness.core.names import Capability
from harness.core.recording import Header, Probe, Recording, Source
from harness.core.verdict import Verdict

LINEARIZABLE = contracts.load()["credits.linearizable"]


def entry(id, kind, amount, delta, balance, start_ms, end_ms, hold_id=None):
    times = {"started_ns": start_ms * 1_000_000, "ended_ns": end_ms * 1_000_000}
    return {"id": id, "kind": kind, "amount": amount, "delta": delta, "balance": balance, "hold_id": hold_id, **times}


GRANT = entry("g", "grant", 100, 100, 100, 1, 2)
HOLDS = [entry("h", "hold", 60, -60, 40, 3, 6), entry("i", "hold", 30, -30, 10, 4, 7)]
LOST = [entry("h", "hold", 60, -60, 40, 3, 6), entry("i", "hold", 60, -60, 40, 4, 7)]


def recording(entries, system="gateway"):
    data = {"user_id": "u", "balance": 0, "settled": True, "in_flight": 0, "entries": entries, "usage": []}
    header = Header(source=Source.SIMULATOR, system=system, capabilities=frozenset({Capability.LEDGER}))
    return Recording(header=header, probes=(Probe("ledger", 0, data),))


@pytest.mark.parametrize(
    ("entries", "verdict"),
    [
        ([GRANT, *HOLDS], Verdict.PASS),
        ([*reversed(HOLDS), GRANT], Verdict.PASS),
        ([GRANT, *LOST], Verdict.FAIL),
        ([{**one, "started_ns": 0, "ended_ns": 0} for one in (GRANT, *HOLDS)], Verdict.INCONCLUSIVE),
    ],
    ids=["in order", "rows in another order", "lost update", "no times"],
)
@pytest.mark.parametrize("system", ["gateway", "runs"])
def test_a_history_is_judged_by_its_times(entries, verdict, system):
    assert judge(LINEARIZABLE, recording(entries, system)).verdict is verdict


def test_the_violation_shows_the_operations_that_cannot_be_ordered():
    (violation,) = judge(LINEARIZABLE, recording([GRANT, *LOST])).violations
    assert violation.sentence == (
        "2 operations saw a balance of 100 before them; at most 1 can have found it there. "
        "The balance was 100 before they began. (hold 60 -> 40, 0.000 to 3.000 ms; hold 60 -> 40, 1.000 to 4.000 ms)"
    )
