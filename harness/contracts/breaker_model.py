"""What a provider's circuit breaker must be at any moment, by what the provider did: a model to hold a target against.

Rule (house): N failures in a row open it, for so many seconds; then it is half open and lets one try through, whose
outcome closes it or opens it again. What the provider says of a request (400, 401, 403, 404, 413, 422, 429) is no
failure. Time is what scenarios let pass (the mark ``advanced``): cases take milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.core.recording import Mark, Recording, Side
from harness.systems import agent

from .calls import Upstream, Way
from .upstreams import decode_upstream, is_model_call

ABOUT_THE_REQUEST = frozenset({400, 401, 403, 404, 413, 422, 429})


class State(StrEnum):
    """What it lets through: everything, nothing, or one try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Phase:
    """What it is from a moment on. ``probe_ns``: since when the one try is under way, None where none is.

    ``in_a_row`` are the failures so far; ``opened`` is how often it was opened.
    """

    at_ns: int
    state: State
    in_a_row: int = 0
    opened: int = 0
    probe_ns: int | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    at_ns: int
    began: bool = False  # a try began
    ended: Upstream | None = None
    seconds: float = 0.0


def phases(recording: Recording) -> tuple[Phase, ...]:
    """The breaker's life, phase by phase; empty where the target does not say when it opens."""
    return recording.memo("breaker-phases", lambda: tuple(_phases(recording)))


def phase_at(recording: Recording, at_ns: int) -> Phase | None:
    """What it must be at a moment."""
    return next((phase for phase in reversed(phases(recording)) if phase.at_ns <= at_ns), None)


def failed(upstream: Upstream) -> bool:
    """Whether this is held against the provider."""
    if upstream.way in (Way.STATUS, Way.IN_BAND):
        said = upstream.error.status if upstream.error else None
        return (upstream.exchange.status if upstream.way is Way.STATUS else said) not in ABOUT_THE_REQUEST
    return upstream.way is not Way.COMPLETE


def _phases(recording: Recording) -> Iterator[Phase]:
    limit, cool_down_s = agent.breaker(recording.header.facts, recording.header.asked.get("settings") or {})
    now, left_s = Phase(0, State.CLOSED), 0.0
    yield now
    for event in _events(recording):
        if event.seconds and now.state is State.OPEN:
            left_s -= event.seconds
            if left_s <= 0:
                now = Phase(event.at_ns, State.HALF_OPEN, opened=now.opened)
        elif event.began and now.state is State.HALF_OPEN and now.probe_ns is None:
            now = Phase(event.at_ns, State.HALF_OPEN, opened=now.opened, probe_ns=event.at_ns)
        elif event.ended is not None:
            now = _after(now, event.ended, event.at_ns, limit)
            left_s = cool_down_s if now.at_ns == event.at_ns and now.state is State.OPEN else left_s
        yield now


def _after(now: Phase, ended: Upstream, at_ns: int, limit: int) -> Phase:
    """The phase once a try has ended."""
    if now.state is State.CLOSED:
        in_a_row = now.in_a_row + 1 if failed(ended) else 0
        if in_a_row >= limit:
            return Phase(at_ns, State.OPEN, in_a_row, now.opened + 1)
        return Phase(at_ns, State.CLOSED, in_a_row, now.opened)
    if now.state is State.HALF_OPEN and ended.exchange.request.sent_ns == now.probe_ns:
        if failed(ended):
            return Phase(at_ns, State.OPEN, opened=now.opened + 1)
        return Phase(at_ns, State.CLOSED, opened=now.opened)
    return now


def _events(recording: Recording) -> Iterable[_Event]:
    tries = [decode_upstream(one) for one in recording.side(Side.PROVIDER) if is_model_call(one)]
    events = [_Event(mark.at_ns, seconds=float(mark.data["seconds"])) for mark in _advances(recording)]
    events += [_Event(one.exchange.request.sent_ns, began=True) for one in tries]
    events += [_Event(one.exchange.ended_ns, ended=one) for one in tries]
    return sorted(events, key=lambda event: event.at_ns)


def _advances(recording: Recording) -> Iterator[Mark]:
    return (mark for mark in recording.marks if mark.name == "advanced")
