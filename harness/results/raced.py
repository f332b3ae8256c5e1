"""Rows of the table ``races``: what came of each request whose moment was measured or forced.

What is told of a deletion is what became of the stream that it was about: that it was answered by 204 says nothing. Of
those who end one stream the first to be answered is served, and whoever is told the same afterwards repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from harness.core.case import Case
from harness.core.race import (
    DELETE,
    ENDED,
    FAILED,
    FORCED,
    OBSERVE,
    RACE,
    REPEATED,
    SERVED,
    SETTLE,
    SWEEP,
    Forced,
    Race,
    forced,
    observed,
    outcome_of,
    races,
    stream_of,
)
from harness.core.recording import Exchange, Recording
from harness.framing import sse
from harness.systems import chat

from . import latency
from .rows import Row, named_row


def race_rows(case: Case, recording: Recording) -> Iterator[Row]:
    """The rows of ``races``: every request of every race and sweep, and every one whose moment was forced."""
    number = count()
    for seen in observed(recording):
        own: Row = {"race": next(number), "how": FORCED, "kind": OBSERVE, "offset_events": seen.offset_events}
        yield named_row(case, **own, status=seen.status, outcome=seen.outcome)
    for one in forced(recording):
        own = {"race": next(number), "how": FORCED, "kind": one.kind, "moment": one.moment}
        told = _outcomes(one, recording)
        for request in one.requests:
            yield named_row(case, **own, offset_events=one.offset_events, exchange=request.id, **told[request.id])
    for how in (RACE, SWEEP):
        for place, race in enumerate(races(recording, how)):
            yield from _measured(case, recording, {"race": place, "how": how, "kind": race.kind}, race)


def _measured(case: Case, recording: Recording, whole: Row, race: Race) -> Iterator[Row]:
    if whole["how"] == RACE:
        window_ms = None if race.window_ns is None else race.window_ns / latency.MS
        whole |= {"skew_ms": race.skew_ns / latency.MS, "window_ms": window_ms, "met": race.met}
    told = _outcomes(race, recording)
    for one in race.runners:
        since = {"provider_ms": one.provider_ns, "answered_ms": one.answered_ns}
        yield named_row(
            case,
            **whole,
            exchange=one.exchange.id,
            offset_ms=(one.released_ns - race.origin_ns) / latency.MS,
            **{key: None if at is None else (at - one.released_ns) / latency.MS for key, at in since.items()},
            **told[one.exchange.id],
            early=one.early,
        )


def _outcomes(race: Race | Forced, recording: Recording) -> Mapping[str, Row]:
    """Each request's id with the status and the outcome that is told of it."""
    stream = stream_of(race.mark, recording) if race.kind == DELETE else None
    repeated = _repeated(race.requests) if race.kind == SETTLE else frozenset()
    return {
        one.id: {
            "status": (stream or one).status,
            "outcome": REPEATED if one.id in repeated else became(stream or one),
        }
        for one in race.requests
    }


def became(exchange: Exchange) -> str:
    """What became of a request; of a chat's stream that was begun, by the end that its owner read."""
    outcome = outcome_of(exchange.status)
    if outcome != SERVED or exchange.operation != chat.STREAM.name:
        return outcome
    told = {event.type for event in sse.decode(exchange.body).events}
    return ENDED if chat.ERROR in told else SERVED if chat.DONE in told else FAILED


def _repeated(ends: Iterable[Exchange]) -> frozenset[str]:
    """Those of the ends of one stream that were served, and told what was told before."""
    served = [(one.response.at_ns, one) for one in ends if one.response and outcome_of(one.status) == SERVED]
    told: set[bytes] = set()
    again = []
    for _, one in sorted(served, key=lambda pair: pair[0]):
        if one.body in told:
            again.append(one.id)
        told.add(one.body)
    return frozenset(again)
