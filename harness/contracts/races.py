"""What holds when requests come at once, judged on races that were measured rather than forced."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.race import Race, races
from harness.core.recording import Recording
from harness.core.verdict import Doubt, Pointer, Violation

from .registry import Findings, contract

DOUBLE_SPEND = "double-spend"


def _double_spends(recording: Recording) -> Iterator[Race]:
    """Races for a balance of which it is known for how many of the requests it pays."""
    return (one for one in races(recording) if one.kind == DOUBLE_SPEND and one.mark.data.get("affordable") is not None)


@contract(
    "race.no-double-spend",
    select=_double_spends,
    systems=("gateway", "runs"),
    source="house: one balance pays once (wasp-lang/open-saas #727, mozilla-ai/any-llm #836)",
    breakers=("racy-hold", "credit-not-checked"),
)
def no_double_spend(race: Race, _recording: Recording) -> Findings:
    """Of N requests let go at once on a balance for K, no more than K are served.

    Nothing holds the requests back once their last bytes have left, so this is seen on anybody's target, by its answers
    alone. That no more were served counts only where the requests met: the last was let go before the target had dealt
    with the first. Otherwise the verdict is inconclusive.
    """
    affordable = int(race.mark.data["affordable"])
    served = [one for one in race.runners if one.outcome == "served"]
    if len(served) > affordable:
        evidence = tuple(Pointer(one.exchange.id, at_ns=one.released_ns) for one in served)
        yield Violation(
            f"The balance paid for {affordable} requests, {len(served)} of {len(race.runners)} let go within "
            f"{race.skew_ns / 1e6:.2f} ms were served.",
            evidence,
        )
        return
    failed = sum(one.outcome == "failed" for one in race.runners)
    if failed:
        yield Doubt(f"{failed} of {len(race.runners)} requests were neither served nor refused.")
    if not race.met:
        yield Doubt(race.doubt())
