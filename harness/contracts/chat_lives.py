"""The states that chat sessions were in, read from what their clients did and were told: the table's other side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.recording import Ending, Exchange, Recording, Side
from harness.core.verdict import Pointer
from harness.systems import chat
from harness.systems.chat import TRANSITIONS, State, Step
from harness.systems.route import Transition

from .chat_calls import StreamCall, body_of, end_ns, session_of, stream_calls

STEPS = {
    chat.CREATE.name: Step.CREATE,
    chat.STREAM.name: Step.STREAM,
    chat.OBSERVE.name: Step.OBSERVE,
    chat.DELETE.name: Step.DELETE,
}
STRANGE = "strange-session"


@dataclass(frozen=True)
class Taken:
    """A step that a client took in a session of which it is known for sure in which state it was.

    ``session`` is its id; of a session that was asked for in vain it is empty.
    """

    exchange: Exchange
    session: str
    state: State
    step: Step

    @property
    def transition(self) -> Transition[State]:
        """What the table says."""
        return TRANSITIONS[self.state, self.step]

    @property
    def code(self) -> str | None:
        """The code that the client read."""
        found = body_of(self.exchange).get("errorCode")
        return found if isinstance(found, str) else None

    def here(self) -> tuple[Pointer, ...]:
        """Points at the exchange."""
        return (Pointer(self.exchange.id, at_ns=self.exchange.ended_ns),)


def taken(recording: Recording) -> tuple[Taken, ...]:
    """Every step whose session's state is known for sure, by the time it was taken."""
    return recording.memo("chat-steps", lambda: tuple(_taken(recording)))


def _taken(recording: Recording) -> Iterator[Taken]:
    strange = {mark.data["tie"]: mark.data["kind"] for mark in recording.marks if mark.name == STRANGE}
    made = {body_of(one).get("sessionId") for one in created(recording)}
    nobody = {mark.data["tie"] for mark in recording.marks if mark.name == "bad-token"}
    for exchange in recording.side(Side.CLIENT):
        step, session = STEPS.get(exchange.operation), session_of(exchange)
        if step is Step.CREATE and exchange.ending is not Ending.CLIENT_CLOSE and exchange.tie not in nobody:
            yield Taken(exchange, str(body_of(exchange).get("sessionId") or ""), State.ABSENT, step)
        if step is None or session is None or _unread(exchange):
            continue
        if exchange.tie in strange:
            if not (strange[exchange.tie] == "foreign" and step is Step.OBSERVE):
                yield Taken(exchange, session, State.ABSENT, step)
        elif session in made:
            state = _state(exchange, session, recording)
            if state is not None:
                yield Taken(exchange, session, state, step)


def created(recording: Recording) -> Iterator[Exchange]:
    """The requests for a session that were answered by one."""
    for exchange in recording.side(Side.CLIENT):
        if exchange.operation == chat.CREATE.name and exchange.status == chat.CREATED_STATUS:
            yield exchange


def _unread(exchange: Exchange) -> bool:
    """Whether what was asked was refused for itself, or by whom: that tells nothing of a session."""
    return exchange.status in (401, 402, 403, 413) or body_of(exchange).get("errorCode") == chat.INVALID.code


def _state(exchange: Exchange, session: str, recording: Recording) -> State | None:
    """The state when a step was taken, None where two are possible."""
    asked_ns = exchange.request.sent_ns
    answered_ns = exchange.response.at_ns if exchange.response else exchange.ended_ns
    deletions = [
        one
        for one in recording.side(Side.CLIENT)
        if one.operation == chat.DELETE.name
        and one is not exchange
        and session_of(one) == session
        and one.status != 401
    ]
    if any(one.status == 204 and one.ended_ns <= asked_ns for one in deletions):
        return State.DELETED
    if any(one.request.sent_ns < answered_ns for one in deletions):
        return None
    others = [call for call in stream_calls(recording) if call.session == session and call.client is not exchange]
    begun = [call for call in others if call.client.request.sent_ns < answered_ns]
    if any(_surely_on(call, asked_ns, answered_ns) for call in begun):
        return State.STREAMING
    return State.IDLE if all(_surely_over(call, asked_ns, recording) for call in begun) else None


def _surely_on(call: StreamCall, asked_ns: int, answered_ns: int) -> bool:
    response = call.client.response
    return call.streamed and response is not None and response.at_ns <= asked_ns and answered_ns <= end_ns(call)


def _surely_over(call: StreamCall, asked_ns: int, recording: Recording) -> bool:
    """Whether a stream was over: its owner had read the end, or the target said that no call was running any more."""
    if not call.left:
        return call.client.ended_ns <= asked_ns and (bool(call.terminals) or not call.streamed)
    rests = [one for one in recording.probes if one.name == "ledger" and one.data.get("settled")]
    return any(call.client.ended_ns <= one.at_ns <= asked_ns for one in rests)
