"""What holds when requests come at once, judged on races that were measured rather than forced."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.race import NS_PER_MS, SWEEP, Race, Runner, races
from harness.core.recording import Recording
from harness.core.verdict import Doubt, Pointer, Violation

from .chat_calls import Observation, observations
from .registry import Findings, contract
from .scope import EVERY

DOUBLE_SPEND, OBSERVE = "double-spend", "observe"
CLOSE_MS = 100.0
"""How soon after its moment a request counts as close to it: so late a stream that is not visible yet has its excuse
in no machine."""


def _double_spends(recording: Recording) -> Iterator[Race]:
    """Races for a balance of which it is known for how many of the requests it pays."""
    return (one for one in races(recording) if one.kind == DOUBLE_SPEND and one.mark.data.get("affordable") is not None)


@contract(
    "race.no-double-spend",
    select=_double_spends,
    systems=EVERY,
    source="house: one balance pays once (wasp-lang/open-saas #727, mozilla-ai/any-llm #836)",
    breakers=("racy-hold", "credit-not-checked", "chat-checked-then-spent"),
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


Sweep = tuple[tuple[float, Runner, Observation | None], ...]
"""The requests of all sweeps of a recording: offset in ms, how it went, and the observation where it was one."""


def _observer_sweeps(recording: Recording) -> Iterator[Sweep]:
    """All observers that were let go around their owner's headers, as one subject."""
    known = {one.client.id: one for one in observations(recording)}
    found = tuple(
        ((one.released_ns - sweep.origin_ns) / NS_PER_MS, one, known.get(one.exchange.id))
        for sweep in races(recording, SWEEP)
        if sweep.kind == OBSERVE
        for one in sweep.runners
    )
    if found:
        yield found


@contract(
    "race.visible-from-the-headers-on",
    select=_observer_sweeps,
    systems=("chat",),
    source="house: once the owner has the response headers, an observer that asks must be let in",
    breakers=("chat-visible-late", "chat-visible-very-late"),
)
def visible_from_the_headers_on(sweep: Sweep, _recording: Recording) -> Findings:
    """In a sweep of offsets around the owner's headers there is none after them at which an observer is not let in.

    Only who asked while the stream went on is counted, and only a sweep that came close says that nothing is wrong:
    where no such observer was let go within 100 ms after the headers, the verdict is inconclusive.
    """
    sure = [(offset_ms, one) for offset_ms, one, seen in sweep if offset_ms > 0 and seen and seen.owner is not None]
    for offset_ms, one in sure:
        if one.outcome != "served":
            said = one.exchange.status or "nothing"
            yield Violation(
                f"An observer let go {offset_ms:.1f} ms after the headers was answered by {said}.",
                (Pointer(one.exchange.id, at_ns=one.released_ns),),
            )
    closest_ms = min((offset_ms for offset_ms, _ in sure), default=None)
    if closest_ms is None or closest_ms > CLOSE_MS:
        near = "none" if closest_ms is None else f"the closest {closest_ms:.1f} ms"
        yield Doubt(f"Of {len(sweep)} observers {near} after the headers asked while the stream went on.")
