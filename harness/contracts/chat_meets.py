"""What holds where two requests for one chat session come at once, judged on races that were measured or forced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.race import DELETE, DOUBLE_SUBMIT, NS_PER_MS, RACE, SWEEP, Forced, Race, forced, races, stream_of
from harness.core.recording import Exchange, Recording
from harness.core.verdict import Doubt, Pointer, Violation
from harness.systems.chat import BUSY

from .chat_calls import CHAT, StreamCall, end_ns, stream_calls
from .races import CLOSE_MS
from .registry import Findings, contract

GATED = "gated"
"""In the mark of a sweep: whether the provider's words were held until the deletion was answered, as is forced."""


@dataclass(frozen=True)
class Submits:
    """Messages for one session that were let go together, and the streams that they asked for.

    Where the race was forced, gates made sure that they met.
    """

    race: Race | Forced
    streams: tuple[StreamCall, ...]


def _submits(recording: Recording) -> Iterator[tuple[Submits, ...]]:
    """All of a recording's, as one subject: that nothing was seen counts where some of them met."""
    both: list[Race | Forced] = [*races(recording, RACE), *forced(recording)]
    found = tuple(Submits(race, _streams(race, recording)) for race in both if race.kind == DOUBLE_SUBMIT)
    if found:
        yield found


def _streams(race: Race | Forced, recording: Recording) -> tuple[StreamCall, ...]:
    ids = {one.id for one in race.requests}
    return tuple(call for call in stream_calls(recording) if call.client.id in ids)


@contract(
    "race.no-double-submit",
    select=_submits,
    systems=CHAT,
    source="house: one session carries one stream at a time; of two at once one wins, and the other gets 409",
    breakers=("chat-two-streams", "chat-claims-late", "chat-estimate-not-sent"),
)
def no_double_submit(all_of_them: tuple[Submits, ...], _recording: Recording) -> Findings:
    """Of two messages let go at once to one session one is answered, and the other refused with 409.

    Seen on anybody's target, by its answers alone. That both were answered one after the other says nothing; so where
    no two met, the second let go before the target had dealt with the first, the verdict is inconclusive.
    """
    for submits in all_of_them:
        served = [call for call in submits.streams if call.streamed]
        others = [call for call in submits.streams if not call.streamed and call.client.status != BUSY.status]
        told = ", ".join(str(call.client.status or "nothing") for call in submits.streams)
        where = tuple(call.here() for call in submits.streams)
        if others or not served:
            yield Violation(f"Of two messages at once one was to be answered, one refused by 409, not {told}.", where)
        elif any(_beside(one, other) for one in served for other in served if one is not other):
            yield Violation(f"Of {len(submits.streams)} messages {len(served)} were answered at once.", where)
    measured = [submits.race for submits in all_of_them if isinstance(submits.race, Race)]
    if len(measured) == len(all_of_them) and not any(race.met for race in measured):
        yield Doubt(measured[0].doubt())


def _beside(one: StreamCall, other: StreamCall) -> bool:
    """Whether each had its headers before the other was over."""
    return _headed_ns(one) < end_ns(other) and _headed_ns(other) < end_ns(one)


def _headed_ns(call: StreamCall) -> int:
    return call.client.response.at_ns if call.client.response else call.client.ended_ns


@dataclass(frozen=True)
class Deletion:
    """A session's stream and its deletion, one before or amid the other. ``gated``: see ``GATED``."""

    stream: StreamCall
    deletion: Exchange
    gated: bool

    @property
    def met(self) -> bool:
        """Whether the deletion was let go while the stream was under way."""
        return self.stream.client.request.sent_ns < self.deletion.request.sent_ns < end_ns(self.stream)


def _deletions(recording: Recording) -> Iterator[tuple[Deletion, ...]]:
    streams = {call.client.id: call for call in stream_calls(recording)}
    both: list[Race | Forced] = [*races(recording, SWEEP), *forced(recording)]
    found = tuple(
        Deletion(streams[stream.id], deletion, bool(one.mark.data.get(GATED, True)))
        for one in both
        if one.kind == DELETE and (stream := stream_of(one.mark, recording)) and stream.id in streams
        for deletion in one.requests
    )
    if found:
        yield found


@contract(
    "race.deletion-wins",
    select=_deletions,
    systems=CHAT,
    source="house: DELETE, 204; streaming on it afterwards: 409 or 410",
    breakers=("chat-delete-leaves-stream", "chat-deleted-streams"),
)
def deletion_wins(sweep: tuple[Deletion, ...], _recording: Recording) -> Findings:
    """In a sweep of deletions around a stream's beginning there is none after which the stream comes to a good end.

    Either may come first; once the deletion is answered, nothing is streamed any more. Where the provider is not ours,
    an end that is read within 100 ms after that may have been on its way. Where no deletion was let go while its
    stream was under way, the verdict is inconclusive.
    """
    for one in sweep:
        response, done = one.deletion.response, one.stream.done
        if response is None or response.status != 204 or done is None:
            continue
        late_ms = (end_ns(one.stream) - response.at_ns) / NS_PER_MS
        if late_ms > (0 if one.gated else CLOSE_MS):
            where = (one.stream.here(), Pointer(one.deletion.id, at_ns=response.at_ns))
            yield Violation(f"The session was deleted, and {late_ms:.1f} ms later its stream ended well.", where)
    if not any(one.met for one in sweep):
        yield Doubt(f"None of {len(sweep)} deletions was let go while its stream was under way.")
