"""In which order chat and its accounting speak of a stream."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting

from .chat_calls import CHAT, StreamCall, asked_of, kept_from_its_end, session_of, stream_calls
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
    breakers=("chat-check-skipped", "chat-expired-token-ends-nothing", "overspend-calls-provider"),
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


Asked = tuple[str, list[Exchange]]


def _held_for(recording: Recording) -> Iterator[Asked]:
    """Sessions that streamed and for which accounting was asked to hold, each with what it was asked of holds."""
    streamed = {call.session for call in stream_calls(recording)}
    asked: dict[str, list[Exchange]] = {}
    for one in sorted(recording.side(Side.SERVICE), key=lambda one: one.request.sent_ns):
        if one.operation == accounting.INITIALIZE.name:
            asked.setdefault(str(asked_of(one).get("sessionId")), []).append(one)
        elif one.operation in accounting.ENDS and (session := session_of(one)) in asked:
            asked[str(session)].append(one)
    return ((session, found) for session, found in asked.items() if session in streamed)


@contract(
    "credits.chat-one-end-asked",
    select=_held_for,
    systems=CHAT,
    needs=[Capability.PROVIDER],
    source="house: one hold ends exactly once, settled or released",
    breakers=("chat-left-ends-again",),
)
def chat_one_end_asked(subject: Asked, _recording: Recording) -> Findings:
    """Accounting is asked once to end a stream's hold, whoever left, was deleted or stopped: never settled and aborted.

    That accounting lets only the first count hides it until two of them come the other way round, and a stream that
    went well is paid for as one that was broken off. Asked again is who got no answer that it was done.
    """
    session, asked = subject
    open_holds, answered = 0, []
    for one in asked:
        if one.operation == accounting.INITIALIZE.name:
            open_holds += 1
        elif not _failed(one):
            answered.append(one)
            open_holds -= 1
        if open_holds < 0:
            where = tuple(Pointer(end.id, at_ns=end.request.sent_ns) for end in answered)
            told = ", ".join(end.operation.rpartition(".")[2] for end in answered)
            yield Violation(f"The ends of session {session} were asked for more often than its holds: {told}.", where)
            return


def _failed(end: Exchange) -> bool:
    """Whether who asked has not heard that it was done."""
    return end.status is None or not 200 <= end.status < 300
