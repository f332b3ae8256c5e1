"""In which order chat and its accounting speak of a stream."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting

from .chat_calls import CHAT, StreamCall, kept_from_its_end, stream_calls
from .registry import Findings, contract

CHECKED, HELD, ENDED = "checked", "held for", "ended"
STEPS = {
    accounting.CHECK.name: CHECKED,
    accounting.INITIALIZE.name: HELD,
    accounting.FINALIZE.name: ENDED,
    accounting.ABORT.name: ENDED,
}
IN_ORDER = [CHECKED, HELD, ENDED]


def _asked(recording: Recording) -> Iterator[tuple[StreamCall, list[Exchange]]]:
    """Streams whose provider was asked and whose owner stayed, each with what accounting was asked meanwhile.

    A check names no session, so only streams are taken beside which no other was under way; and of a target whose
    accounting nobody sees, none.
    """
    services = list(recording.side(Side.SERVICE))
    if not services:
        return
    made = stream_calls(recording)
    for call in made:
        beside = any(one is not call and _meet(call.client, one.client) for one in made)
        if call.upstreams and not (call.left or beside or kept_from_its_end(call, recording)):
            sent_ns, ended_ns = call.client.request.sent_ns, call.client.ended_ns
            yield call, [one for one in services if sent_ns <= one.request.sent_ns <= ended_ns]


def _meet(one: Exchange, other: Exchange) -> bool:
    return one.request.sent_ns < other.ended_ns and other.request.sent_ns < one.ended_ns


@contract(
    "credits.chat-checked-held-ended",
    select=_asked,
    systems=CHAT,
    needs=[Capability.PROVIDER],
    source="house: check, hold, settle or release, exactly once each",
    breakers=("chat-check-skipped",),
)
def chat_checked_held_ended(subject: tuple[StreamCall, list[Exchange]], _recording: Recording) -> Findings:
    """Of each stream accounting is asked three things, in this order: whether it may begin, the hold, and its end.

    All three are over before its owner reads how the stream ended. A check that is left out goes unseen for as long as
    the hold refuses in its place, and is missed on the day when it does not.
    """
    call, asked = subject
    told = [STEPS.get(one.operation, one.operation) for one in sorted(asked, key=lambda one: one.request.sent_ns)]
    if told != IN_ORDER:
        said = ", ".join(told) or "nothing"
        where = tuple(Pointer(one.id, at_ns=one.request.sent_ns) for one in asked)
        yield Violation(f"A stream was {said}; it is to be {', '.join(IN_ORDER)}.", (call.here(), *where))
