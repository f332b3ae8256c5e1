"""What the life of a chat session promises: each step is answered as the table of transitions says."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.race import DOUBLE_SUBMIT, forced
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems.chat import State, Step

from .chat_calls import CHAT, StreamCall, asked_of, body_of, deleted_meanwhile, session_of, stream_calls
from .chat_lives import Taken, created, taken
from .ids import is_uuid
from .registry import Findings, contract
from .subjects import Sent, sent

TABLE = "house: the table of a session's transitions"
ACCOUNTS = (Capability.ACCOUNTS,)


def _steps(recording: Recording, *wanted: tuple[State, Step]) -> Iterator[Taken]:
    return (one for one in taken(recording) if (one.state, one.step) in wanted)


def _wrong_status(one: Taken) -> Iterator[Violation]:
    allowed = one.transition.statuses
    if one.exchange.status not in allowed:
        wanted = " or ".join(map(str, allowed))
        said = one.exchange.status or "nothing"
        yield Violation(
            f"{one.step.value} on a session that is {one.state.value} was answered by {said}, not {wanted}.", one.here()
        )


def _at_rest(recording: Recording) -> list[Taken]:
    return list(_steps(recording, (State.IDLE, Step.STREAM)))


@contract(
    "session.free-when-idle",
    select=_at_rest,
    systems=CHAT,
    source=TABLE,
    breakers=(
        *("chat-session-stays-busy", "chat-session-busy-after-failure", "chat-delete-before-token"),
        *("chat-session-id-not-uuid", "chat-expired-token-ends-nothing", "chat-hold-kept-when-owner-leaves"),
    ),
)
def free_when_idle(one: Taken, _recording: Recording) -> Findings:
    """A session whose stream is over, however it ended, can stream again: it is never told that it is busy or gone.

    Who has read the end of a stream sends the next message at once.
    """
    if one.exchange.status in (404, 409, 410):
        yield from _wrong_status(one)


def _second_streams(recording: Recording) -> list[Taken]:
    return list(_steps(recording, (State.STREAMING, Step.STREAM)))


@contract(
    "session.one-stream-at-a-time",
    select=_second_streams,
    systems=CHAT,
    source=TABLE,
    breakers=("chat-two-streams",),
)
def one_stream_at_a_time(one: Taken, _recording: Recording) -> Findings:
    """A session that streams refuses another stream with 409: two answers in one conversation belong to nobody."""
    yield from _wrong_status(one)


def _after_deletion(recording: Recording) -> list[Taken]:
    return list(_steps(recording, (State.DELETED, Step.STREAM), (State.DELETED, Step.OBSERVE)))


@contract(
    "session.deleted-stays-deleted",
    select=_after_deletion,
    systems=CHAT,
    source=TABLE,
    breakers=("chat-deleted-streams", "chat-observable-after-end"),
)
def deleted_stays_deleted(one: Taken, _recording: Recording) -> Findings:
    """A deleted session streams no more (409 or 410) and cannot be observed (404)."""
    yield from _wrong_status(one)


def _deletions(recording: Recording) -> list[Taken]:
    states = (State.IDLE, State.STREAMING, State.DELETED)
    return list(_steps(recording, *((state, Step.DELETE) for state in states)))


@contract(
    "session.delete-idempotent",
    select=_deletions,
    systems=CHAT,
    source="RFC 9110, 9.2.2: DELETE is idempotent; house: 204 each time",
    breakers=("chat-delete-twice-404",),
)
def delete_idempotent(one: Taken, _recording: Recording) -> Findings:
    """Deleting a session of one's own is answered by 204, the first time and every time after.

    Who got no answer to the first request sends a second one, and has to know that it is done.
    """
    yield from _wrong_status(one)


def _deleted_streams(recording: Recording) -> list[StreamCall]:
    return [one for one in stream_calls(recording) if not one.left and deleted_meanwhile(one, recording)]


def _ran_on(call: StreamCall, recording: Recording) -> bool:
    """Whether the provider's call was still under way when its gate was opened. Marks of old name no call."""
    late = [mark.data for mark in recording.marks if mark.name == "gate-opened-late"]
    return any(told is None or told["tie"] == call.client.tie for told in late)


@contract(
    "session.delete-ends-stream",
    select=_deleted_streams,
    systems=CHAT,
    needs=[Capability.PROVIDER],
    source=TABLE,
    breakers=("chat-delete-leaves-stream", "chat-owner-gone-runs-on"),
)
def delete_ends_stream(call: StreamCall, recording: Recording) -> Findings:
    """Deleting a session ends what it streams: the owner reads an error event, and the provider's call is cancelled.

    An owner who has no headers yet is refused instead.
    """
    if _ran_on(call, recording) or call.done is not None:
        yield call.violation("The session was deleted, and its stream went on.")
    elif call.error is None and (call.client.status or 0) < 400:
        yield call.violation("The session was deleted, and its stream ended without an error event.")


def _absent(recording: Recording) -> list[Taken]:
    return [one for one in taken(recording) if one.state is State.ABSENT and one.step is not Step.CREATE]


@contract(
    "session.absent-not-found",
    select=_absent,
    systems=CHAT,
    needs=ACCOUNTS,
    source="house; RFC 9110, 15.5.5: 404 also where one will not say that there is something",
    breakers=("chat-foreign-session", "chat-junk-id-500"),
)
def absent_not_found(one: Taken, _recording: Recording) -> Findings:
    """A session that is not there, or another user's, or whose id is no UUID, is not found: 404 or 400, never 5xx.

    Whoever can tell a session that is not his from one that is not there learns which there are.
    """
    yield from _wrong_status(one)


def _refused(recording: Recording) -> list[Taken]:
    return [one for one in taken(recording) if one.transition.code and one.exchange.status == one.transition.status]


@contract(
    "session.refusal-code",
    select=_refused,
    systems=CHAT,
    source=TABLE,
    breakers=("chat-refusal-code-generic",),
)
def refusal_code(one: Taken, _recording: Recording) -> Findings:
    """A step that is refused says by its `errorCode` why.

    `SESSION_NOT_ACTIVE` tells an observer to try again, `SESSION_DELETED` not to.
    """
    wanted = one.transition.code
    if one.code != wanted:
        yield Violation(
            f"{one.step.value} on a session that is {one.state.value} was refused with {one.code!r}, not {wanted!r}.",
            one.here(),
        )


def _created(recording: Recording) -> list[Exchange]:
    return list(created(recording))


@contract(
    "ids.session-id-is-uuid",
    select=_created,
    systems=CHAT,
    source="RFC 9562, 4: UUID format; neither nil nor max (5.9, 5.10)",
    breakers=("chat-session-id-not-uuid", "ids-without-version"),
)
def session_id_is_uuid(exchange: Exchange, _recording: Recording) -> Findings:
    """A session's id is a UUID: services beside this one keep it in columns of that type."""
    found = body_of(exchange).get("sessionId")
    if not isinstance(found, str) or not is_uuid(found):
        yield Violation(f"The session's id is {found!r}.", (Pointer(exchange.id, at_ns=exchange.ended_ns),))


def _creations(recording: Recording) -> list[list[Exchange]]:
    made = list(created(recording))
    return [made] if len(made) > 1 else []


@contract(
    "ids.session-id-unique",
    select=_creations,
    systems=CHAT,
    source="RFC 9562, 6.9: unguessability and uniqueness are the generator's to see to",
    breakers=("chat-session-id-reused",),
)
def session_id_unique(made: list[Exchange], _recording: Recording) -> Findings:
    """No two sessions have the same id, however many are made at once, and whoever makes them."""
    seen: dict[object, Exchange] = {}
    for exchange in made:
        found = body_of(exchange).get("sessionId")
        if found in seen:
            where = tuple(Pointer(one.id, at_ns=one.ended_ns) for one in (seen[found], exchange))
            yield Violation(f"Two sessions have the id {found!r}.", where)
        seen[found] = exchange


def _named_to_accounting(recording: Recording) -> Iterator[tuple[Exchange, str]]:
    """What accounting was asked of sessions, each with the id that it was given; none where nobody saw one made."""
    if any(True for _ in created(recording)):
        for exchange in recording.side(Side.SERVICE):
            named = session_of(exchange) or asked_of(exchange).get("sessionId")
            if isinstance(named, str):
                yield exchange, named


@contract(
    "ids.session-id-everywhere",
    select=_named_to_accounting,
    systems=CHAT,
    source="house: the id is the same in the body, the store and every later answer",
    breakers=("chat-session-id-translated", "chat-session-id-not-uuid"),
)
def session_id_everywhere(subject: tuple[Exchange, str], recording: Recording) -> Findings:
    """Accounting knows a session by the id that its owner was given.

    Two services that call one thing by two names cannot be asked about it together.
    """
    exchange, named = subject
    if named not in {body_of(one).get("sessionId") for one in created(recording)}:
        where = (Pointer(exchange.id, at_ns=exchange.request.sent_ns),)
        yield Violation(f"Accounting was asked about {named!r}, which no session is called.", where)


def _not_supervisors(recording: Recording) -> list[Sent]:
    return list(sent(recording, "not-a-supervisor"))


@contract(
    "session.supervisors-only",
    select=_not_supervisors,
    systems=CHAT,
    needs=ACCOUNTS,
    source="house: role user, 403; CWE-862: missing authorization",
    breakers=("chat-role-unchecked",),
)
def supervisors_only(subject: Sent, _recording: Recording) -> Findings:
    """Only a supervisor looks on: everybody else is refused with 403, the owner of the stream too."""
    if subject.exchange.status != 403:
        yield Violation(
            f"Somebody who is no supervisor ({subject.kind}) was answered by {subject.exchange.status or 'nothing'}.",
            (Pointer(subject.exchange.id, at_ns=subject.exchange.ended_ns),),
        )


def _double_submits(recording: Recording) -> Iterator[list[StreamCall]]:
    for one in forced(recording):
        if one.kind == DOUBLE_SUBMIT:
            yield [call for call in stream_calls(recording) if call.client in one.requests]


@contract(
    "race.one-submit-wins",
    select=_double_submits,
    systems=CHAT,
    needs=[Capability.PROVIDER],
    source="house: of two at once one wins, the other gets 409",
    breakers=("chat-two-streams", "chat-claims-late", "chat-estimate-not-sent"),
)
def one_submit_wins(made: list[StreamCall], _recording: Recording) -> Findings:
    """Of two messages sent to one session at the same moment exactly one is answered, and the other gets 409.

    A button that is pressed twice sends two; looked up first and written down later, both would stream.
    """
    won = [call for call in made if call.succeeded]
    lost = [call for call in made if call.client.status == 409]
    if (len(won), len(lost)) != (1, len(made) - 1):
        told = ", ".join(str(call.client.status or "nothing") for call in made)
        yield Violation(f"Of {len(made)} at once {len(won)} were answered ({told}).", tuple(c.here() for c in made))
