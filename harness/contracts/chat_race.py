"""What looking on promises: who is let in and when, what is seen, and that nobody is disturbed by it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import STILL_OPEN, Ending, Mark, Recording
from harness.core.verdict import Violation
from harness.systems import chat
from harness.systems.chat import State, Step

from .chat_calls import CHAT, Observation, StreamCall, body_of, observations, session_of, stream_calls
from .chat_lives import Taken, taken
from .registry import Findings, contract

PROVIDER = (Capability.PROVIDER,)
HANGING = "observer-left-hanging"
"""The mark that says that an observer was given up on, whose stream was over long ago."""


def _asked_during(recording: Recording) -> Iterator[Observation]:
    return (one for one in observations(recording) if one.owner is not None and one.client.status != 403)


@contract(
    "race.observer-let-in",
    select=_asked_during,
    systems=CHAT,
    source="house: once the owner has the response headers, an observer that asks must be let in",
    breakers=("chat-visible-late", "chat-visible-very-late"),
)
def observer_let_in(one: Observation, _recording: Recording) -> Findings:
    """Who asks to observe a stream whose owner has the headers is let in.

    A stream that becomes visible only some time after its headers makes its watchers wait by guessing: a sleep of two
    seconds, then of five, where an order of events would do.
    """
    if not one.let_in:
        yield Violation(
            f"The owner had the headers, and an observer was answered by {one.client.status or 'nothing'}.",
            (one.here(),),
        )


def _asked_before(recording: Recording) -> Iterator[tuple[Observation, Mark]]:
    """Observers who asked while the provider was held before its first words, with the moment of its release."""
    for one in observations(recording):
        asked_ns = one.client.request.sent_ns
        opened = next((mark for mark in recording.marks if mark.name == "gate-opened" and mark.at_ns > asked_ns), None)
        if one.owner is None and opened is not None and _stream_sent_before(one, recording):
            yield one, opened


def _stream_sent_before(one: Observation, recording: Recording) -> bool:
    session, asked_ns = session_of(one.client), one.client.request.sent_ns
    return any(
        call.session == session and call.client.request.sent_ns < asked_ns < call.client.ended_ns
        for call in stream_calls(recording)
    )


@contract(
    "race.observer-answered-at-once",
    select=_asked_before,
    systems=CHAT,
    needs=PROVIDER,
    source="house: before the headers either answer is right, at once, never a 5xx or a hang",
    breakers=("chat-observer-waits",),
)
def observer_answered_at_once(subject: tuple[Observation, Mark], _recording: Recording) -> Findings:
    """Who asks before the owner has the headers is let in or told that nothing is active, at once.

    Both are right at that moment. Waiting for the provider is not: a watcher hangs for as long as the provider does.
    """
    one, opened = subject
    response = one.client.response
    if response is None or response.at_ns > opened.at_ns:
        yield Violation("An observer got no answer before the provider spoke.", (one.here(),))
    elif response.status not in (200, 404):
        yield Violation(f"An observer was answered by {response.status}.", (one.here(),))


def _asked_at_rest(recording: Recording) -> list[Taken]:
    return [one for one in taken(recording) if (one.state, one.step) == (State.IDLE, Step.OBSERVE)]


@contract(
    "race.observer-too-late",
    select=_asked_at_rest,
    systems=CHAT,
    source="house: nothing streaming, 404 SESSION_NOT_ACTIVE",
    breakers=("chat-observable-after-end",),
)
def observer_too_late(one: Taken, _recording: Recording) -> Findings:
    """Where nothing streams, before the first stream and after the last, an observer gets 404 and its message.

    A stream of yesterday that is shown as if it were live is worse than none.
    """
    told = body_of(one.exchange).get("message")
    if one.exchange.status != chat.NOT_ACTIVE.status:
        yield Violation(f"Nothing was streaming; an observer was answered by {one.exchange.status}.", one.here())
    elif told != chat.NOT_OBSERVABLE_MESSAGE:
        yield Violation(f"The message is {told!r}, not {chat.NOT_OBSERVABLE_MESSAGE!r}.", one.here())


def _pairs(recording: Recording) -> Iterator[tuple[Observation, StreamCall]]:
    """Observers who were let in and stayed, with the stream that they saw: the one under way when they asked."""
    hanging = recording.mark(HANGING) is not None
    for one in observations(recording):
        if not one.let_in or (one.client.ending is Ending.CLIENT_CLOSE and not hanging):
            continue
        session, asked_ns = session_of(one.client), one.client.request.sent_ns
        for call in stream_calls(recording):
            during = call.client.request.sent_ns < asked_ns < call.client.ended_ns
            if during and call.streamed and call.session == session:
                yield one, call


@contract(
    "race.observer-sees-all",
    select=_pairs,
    systems=CHAT,
    source="house: the same events, from the first one on, however late it joins",
    breakers=(
        "chat-observer-from-now",
        "chat-observer-loses-one",
        "chat-observer-sees-twice",
        "chat-observer-disorder",
    ),
)
def observer_sees_all(subject: tuple[Observation, StreamCall], _recording: Recording) -> Findings:
    """An observer reads the events that the owner reads, from the first one on, each once and in order."""
    one, call = subject
    theirs = [(event.name, event.data) for event in call.events if event.name == chat.DELTA]
    ours = [(event.name, event.data) for event in one.events if event.name == chat.DELTA]
    if call.left:
        theirs = theirs[: len(ours)]  # more came to the observer than the owner stayed for, or a little less
        ours = ours[: len(theirs)]
    if ours != theirs:
        same = next(
            (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(map(len, (ours, theirs)))
        )
        yield Violation(
            f"The owner read {len(theirs)} deltas, the observer {len(ours)}; from delta {same} on they differ.",
            (one.here(), call.here()),
        )


@contract(
    "race.observer-reads-the-end",
    select=_pairs,
    systems=CHAT,
    source="house: the same events; the owner leaving ends the stream for all",
    breakers=(
        *("chat-observer-left-hanging", "chat-observer-no-terminal"),
        *("chat-stop-cuts-streams", "chat-stop-cuts-observers"),
    ),
)
def observer_reads_the_end(subject: tuple[Observation, StreamCall], recording: Recording) -> Findings:
    """An observer reads how the stream ended: the owner's own terminal, and an error event where the owner left.

    A watcher whose stream just stops does not know whether to wait.
    """
    one, call = subject
    read = [event for event in one.events if event.name in chat.TERMINALS]
    if one.client.error == STILL_OPEN or recording.mark(HANGING) is not None:
        yield Violation("The stream was over, and its observer was left waiting.", (one.here(), call.here()))
    elif len(read) != 1:
        yield Violation(f"The observer read {len(read)} terminals.", (one.here(), call.here()))
    elif call.left and read[0].name != chat.ERROR:
        yield Violation("The owner left, and the observer read that the stream went well.", (one.here(), call.here()))
    elif (
        not call.left
        and call.terminals
        and (read[0].name, read[0].data)
        != (
            call.terminals[0].name,
            call.terminals[0].data,
        )
    ):
        yield Violation("The observer read another end than the owner.", (one.here(), call.here()))


def _watched_owners(recording: Recording) -> list[StreamCall]:
    """Owners who stayed, of streams that somebody looked on at who left or was slow."""
    if recording.mark("observer-left") is None and recording.header.scenario != "observer-slow":
        return []
    return [call for call in stream_calls(recording) if call.streamed and not call.left and call.upstream]


@contract(
    "race.owner-undisturbed",
    select=_watched_owners,
    systems=CHAT,
    needs=PROVIDER,
    source="house: the observer leaving, or being slow, never disturbs the owner",
    breakers=("chat-observer-kills-owner", "chat-slow-observer-blocks"),
)
def owner_undisturbed(call: StreamCall, recording: Recording) -> Findings:
    """An observer who leaves, or who does not read, costs the owner nothing: neither words nor time."""
    if recording.mark("owner-held-up") is not None:
        yield call.violation("The owner waited for an observer who did not read.")
    elif not call.succeeded:
        yield call.violation("An observer left or was slow, and the owner's stream did not end well.")
