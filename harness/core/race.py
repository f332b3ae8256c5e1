"""A race as it was measured: when each request was let go, when the target had dealt with it, and what came of it.

The mark ``race`` is ``{"kind", "skew_ns", "requests": [{"exchange", "tie", "offset_ns", "released_ns", "early"}]}``
and whatever its kind adds; ``sweep`` is the same with ``origin_ns``, the moment around which the requests were let go
one by one. Times are the recording's. A request is its last byte: until that has left, nobody can act on it.

Where a gate makes sure of the moment nothing is measured: the mark ``forced`` is ``{"kind", "moment", "offset",
"requests": [tie, ...]}``, in words and (null: it has none) in content events of the provider's. A deletion's mark, of
either sort, names the ``stream`` that it is about by its tie.

Whether the requests met is known from both ends. ``skew_ns`` is the time between the first and the last that was let
go. ``window_ns`` is the time from the first until the target was past admitting any: it asked its provider, where that
is ours to see, or answered. Where the skew is not smaller, one may have been over before another began, and that
nothing went wrong says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .recording import Exchange, Json, Mark, Recording, Side

RACE, SWEEP = "race", "sweep"
FORCED = "forced"
"""How a request was let go whose moment a gate made sure of, and its mark; ``RACE`` and ``SWEEP`` were measured."""
SETTLE = "settle"
"""The kind of a race in which a stream's hold is ended by several."""
DOUBLE_SPEND = "double-spend"
"""The kind in which a balance is raced for: its marks say for how many it pays (``affordable``)."""
DOUBLE_SUBMIT, DELETE, OBSERVE = "double-submit", "delete", "observe"
"""The kinds in which a session is raced for: two messages, its stream and its deletion, its stream and an observer."""
SERVED, ENDED, REPEATED, REFUSED, FAILED = "served", "ended", "repeated", "refused", "failed"
"""What can come of a request: see ``outcome_of``. ``ended``: its stream was begun, and ended by an error event.
``repeated``: it was told what another one had been told."""
OBSERVED = "observed"
"""The mark of an observer whose moment was forced: ``{"offset", "outcome"}``, after how many content events of the
provider's (-1: before the head of its answer), and the status that was read (null: none came)."""
END_RACED = "end-raced"
"""The mark of a call whose client leaves at the moment at which its provider ends: ``{"tie", "after_ms"}``."""
RACE_BUDGET = "race_affordable"
"""A number of a profile: how many calls its own user can pay for, where the harness cannot make users."""
NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Runner:
    """One request of a race. ``provider_ns`` is when a provider of ours first saw what it caused."""

    exchange: Exchange
    offset_ns: int
    released_ns: int
    early: bool
    provider_ns: int | None

    @property
    def answered_ns(self) -> int | None:
        """When the head of its answer was there."""
        return self.exchange.response.at_ns if self.exchange.response else None

    @property
    def admitted_ns(self) -> int | None:
        """The first sign that the target had dealt with it, one way or the other."""
        return min((at for at in (self.provider_ns, self.answered_ns) if at is not None), default=None)

    @property
    def outcome(self) -> str:
        """``served``, ``refused`` (a status of 400 to 499) or ``failed``."""
        return outcome_of(self.exchange.status)


def outcome_of(status: int | None) -> str:
    """What a status comes to: ``served``, ``refused`` (400 to 499) or ``failed``."""
    known = status or 0
    return SERVED if 200 <= known < 300 else REFUSED if 400 <= known < 500 else FAILED


@dataclass(frozen=True, slots=True)
class Race:
    """A mark and its requests, in the order in which they were let go."""

    mark: Mark
    runners: tuple[Runner, ...]

    @property
    def kind(self) -> str:
        """What was raced for."""
        return str(self.mark.data["kind"])

    @property
    def requests(self) -> tuple[Exchange, ...]:
        """The exchanges of its requests."""
        return tuple(one.exchange for one in self.runners)

    @property
    def origin_ns(self) -> int:
        """What offsets count from: what the sweep went around, or the first that was let go."""
        found = self.mark.data.get("origin_ns")
        return int(found) if found is not None else min((one.released_ns for one in self.runners), default=0)

    @property
    def skew_ns(self) -> int:
        """Between the first and the last that was let go."""
        released = [one.released_ns for one in self.runners]
        return max(released) - min(released) if released else 0

    @property
    def window_ns(self) -> int | None:
        """From the first that was let go until the target had dealt with any; None where no sign of that was seen."""
        admitted = [one.admitted_ns for one in self.runners if one.admitted_ns is not None]
        return min(admitted) - min(one.released_ns for one in self.runners) if admitted else None

    @property
    def met(self) -> bool:
        """Whether all requests were with the target before it had dealt with any."""
        window_ns = self.window_ns
        return window_ns is not None and self.skew_ns < window_ns and not any(one.early for one in self.runners)

    def doubt(self) -> str:
        """Why it is not known whether they met, in one sentence."""
        window_ns = self.window_ns
        if window_ns is None:
            return "No request of the race was answered: whether they met is not known."
        early = sum(one.early for one in self.runners)
        how = f", {early} had an answer before the last was let go" if early else ""
        return (
            f"The {len(self.runners)} requests were let go within {self.skew_ns / NS_PER_MS:.2f} ms, and the target "
            f"had dealt with the first after {window_ns / NS_PER_MS:.2f} ms{how}: they may never have met."
        )


def races(recording: Recording, name: str = RACE) -> Iterator[Race]:
    """The races (or sweeps) of a recording, in their order; requests that it does not hold are left out."""
    clients = {one.id: one for one in recording.side(Side.CLIENT)}
    first: dict[str, int] = {}
    for one in recording.side(Side.PROVIDER):
        if one.tie is not None:
            first.setdefault(one.tie, one.request.sent_ns)
    for mark in recording.marks:
        if mark.name == name:
            found = (_runner(row, clients, first) for row in mark.data["requests"])
            yield Race(mark, tuple(sorted((one for one in found if one), key=lambda one: one.released_ns)))


def stream_of(mark: Mark, recording: Recording) -> Exchange | None:
    """The stream that a mark says a deletion is about; None where it says none, or one that is not recorded."""
    named = mark.data.get("stream")
    return next((one for one in recording.side(Side.CLIENT) if one.tie == named), None) if named is not None else None


def _runner(row: Json, clients: dict[str, Exchange], first: dict[str, int]) -> Runner | None:
    exchange = clients.get(row["exchange"])
    if exchange is None:
        return None
    provider_ns = first.get(exchange.tie) if exchange.tie is not None else None
    return Runner(exchange, int(row["offset_ns"]), int(row["released_ns"]), bool(row["early"]), provider_ns)


@dataclass(frozen=True, slots=True)
class Observed:
    """An observer whose moment was forced: see ``OBSERVED``."""

    offset_events: int
    status: int | None

    @property
    def outcome(self) -> str:
        """As of a ``Runner``."""
        return outcome_of(self.status)


def observed(recording: Recording) -> Iterator[Observed]:
    """The observers of a recording whose moment was forced, in the order of their answers."""
    return (
        Observed(int(mark.data["offset"]), mark.data["outcome"]) for mark in recording.marks if mark.name == OBSERVED
    )


@dataclass(frozen=True, slots=True)
class Forced:
    """A mark ``FORCED`` and its requests, in the order in which they were let go."""

    mark: Mark
    requests: tuple[Exchange, ...]

    @property
    def kind(self) -> str:
        """What was raced for."""
        return str(self.mark.data.get("kind", DOUBLE_SUBMIT))

    @property
    def moment(self) -> str | None:
        """When, in words."""
        found: str | None = self.mark.data.get("moment")
        return found

    @property
    def offset_events(self) -> int | None:
        """After how many content events of the provider's; -1: before the head of its answer."""
        found: int | None = self.mark.data.get("offset")
        return found


def forced(recording: Recording) -> Iterator[Forced]:
    """The races of a recording whose order was forced. Recordings of old have a mark of double submits' own."""
    by_tie = {one.tie: one for one in recording.side(Side.CLIENT) if one.tie is not None}
    for mark in recording.marks:
        if mark.name in (FORCED, DOUBLE_SUBMIT):
            ties = mark.data["requests" if mark.name == FORCED else "ties"]
            yield Forced(mark, tuple(by_tie[tie] for tie in ties if tie in by_tie))
