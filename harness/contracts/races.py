"""What holds when requests come at once, judged on races that were measured, or forced."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.race import (
    DOUBLE_SPEND,
    FAILED,
    NS_PER_MS,
    OBSERVE,
    SERVED,
    SWEEP,
    Forced,
    Race,
    Runner,
    forced,
    outcome_of,
    races,
)
from harness.core.recording import Recording
from harness.core.verdict import Doubt, Pointer, Violation

from .chat_calls import Observation, observations
from .registry import Findings, contract
from .scope import EVERY

CLOSE_MS = 100.0
"""How soon after its moment a request counts as close to it: so late a stream that is not visible yet has its excuse
in no machine."""


def _double_spends(recording: Recording) -> Iterator[Race | Forced]:
    """Races for a balance of which it is known for how many of the requests it pays."""
    both: list[Race | Forced] = [*races(recording), *forced(recording)]
    return (one for one in both if one.kind == DOUBLE_SPEND and one.mark.data.get("affordable") is not None)


@contract(
    "race.no-double-spend",
    select=_double_spends,
    systems=EVERY,
    source="house: one balance pays once (wasp-lang/open-saas #727, mozilla-ai/any-llm #836)",
    breakers=("racy-hold", "credit-not-checked", "chat-checked-then-spent", "chat-hold-too-small"),
)
def no_double_spend(race: Race | Forced, _recording: Recording) -> Findings:
    """Of N requests let go at once on a balance for K, no more than K are served.

    Where nothing holds the requests back once their last bytes have left, this is seen on anybody's target, by its
    answers alone. That no more were served counts then only where the requests met: the last was let go before the
    target had dealt with the first. Otherwise the verdict is inconclusive.
    """
    affordable, n = int(race.mark.data["affordable"]), len(race.requests)
    served = [one for one in race.requests if outcome_of(one.status) == SERVED]
    if len(served) > affordable:
        evidence = tuple(Pointer(one.id, at_ns=one.request.sent_ns) for one in served)
        within = f" let go within {race.skew_ns / NS_PER_MS:.2f} ms" if isinstance(race, Race) else ""
        yield Violation(
            f"The balance paid for {affordable} requests, {len(served)} of {n}{within} were served.", evidence
        )
        return
    failed = sum(outcome_of(one.status) == FAILED for one in race.requests)
    if failed:
        yield Doubt(f"{failed} of {n} requests were neither served nor refused.")
    if isinstance(race, Race) and not race.met:
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
