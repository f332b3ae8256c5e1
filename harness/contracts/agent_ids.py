"""What the ids of sessions promise."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation
from harness.systems import agent
from harness.systems.agent import Step

from .agent_calls import Created, Taken, created, object_of, old_style, session_given, session_named, steps
from .calls import ChatCall, chat_calls
from .ids import is_uuid
from .registry import Findings, contract
from .scope import AGENT
from .subjects import Sent, sent

NIL, MAX = UUID(int=0), UUID(int=2**128 - 1)


@contract(
    "ids.session-is-uuid",
    select=created,
    systems=AGENT,
    source="RFC 9562, 4: UUID format; 5.9 and 5.10: nil and max stand for no id",
    breakers=("agent-session-id-old-style", "ids-without-version"),
)
def session_is_uuid(made: Created, _recording: Recording) -> Findings:
    """A new session's id is a UUID of RFC 9562, with its variant and version, neither nil nor max."""
    text = made.session_id
    if not is_uuid(text) or UUID(text) in (NIL, MAX):
        yield Violation(f"The new session's id is {text!r}.", (Pointer(made.exchange.id),))


def _many(recording: Recording) -> list[tuple[Created, ...]]:
    found = tuple(created(recording))
    return [found] if len(found) > 1 else []


@contract(
    "ids.sessions-unique",
    select=_many,
    systems=AGENT,
    source="RFC 9562, 6.8: uniqueness",
    breakers=("agent-session-ids-collide",),
)
def sessions_unique(made: tuple[Created, ...], _recording: Recording) -> Findings:
    """No two sessions share an id, however many are made at the same moment: two users would read one history."""
    seen: dict[str, Created] = {}
    for one in made:
        other = seen.setdefault(one.session_id.lower(), one)
        if other is not one:
            yield Violation(
                f"{other.exchange.id} and {one.exchange.id} made the session {one.session_id!r}.",
                (Pointer(other.exchange.id), Pointer(one.exchange.id)),
            )


def _junk(recording: Recording) -> list[Sent]:
    return list(sent(recording, "junk-id"))


@contract(
    "ids.junk-session-refused",
    select=_junk,
    systems=AGENT,
    source="house: 400, and never a database error (PostgreSQL 22P02, invalid input syntax for type uuid)",
    breakers=("agent-junk-id-reaches-store", "agent-junk-id-not-found"),
)
def junk_session_refused(subject: Sent, _recording: Recording) -> Findings:
    """What is neither a UUID nor an old-style id is refused with 400 `invalid_session_id` by every call.

    A text that reaches a `uuid` column is an error of the database's, and a 500.
    """
    error = object_of(subject.exchange.body).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    wanted = agent.BAD_ID
    if (subject.exchange.status, code) != (wanted.status, wanted.code):
        yield Violation(
            f"The id {subject.kind!r} was answered by {subject.exchange.status} {code}, not {wanted.status}.",
            (Pointer(subject.exchange.id),),
        )


def _shown(recording: Recording) -> list[Taken]:
    return [step for step in steps(recording) if step.step is not Step.CHAT and step.exchange.status == 200]


@contract(
    "ids.session-same-everywhere",
    select=_shown,
    systems=AGENT,
    source="RFC 9562, 4: the textual form; house: the same id in body, store and later answers",
    breakers=("agent-session-id-other-form",),
)
def session_same_everywhere(step: Taken, _recording: Recording) -> Findings:
    """A session that is read has the id that it was given when it was made, in the same form.

    Clients compare ids as texts.
    """
    shown = object_of(step.exchange.body).get("session_id")
    if not old_style(step.named) and shown != str(step.id):
        yield step.violation(f"The session {step.id} was shown as {shown!r}.")


@dataclass(frozen=True)
class Mapped:
    """An old-style id, and every id that answers gave for it."""

    named: str
    given: tuple[tuple[ChatCall | Taken, str], ...]


def _mapped(recording: Recording) -> list[Mapped]:
    given: dict[str, list[tuple[ChatCall | Taken, str]]] = {}
    for call in chat_calls(recording):
        named = session_named(call)
        if named is not None and old_style(named) and session_given(call):
            given.setdefault(named, []).append((call, session_given(call)))
    for step in _shown(recording):
        if old_style(step.named):
            given.setdefault(step.named, []).append((step, str(object_of(step.exchange.body).get("session_id"))))
    return [Mapped(named, tuple(ids)) for named, ids in given.items()]


@contract(
    "ids.old-style-mapped",
    select=_mapped,
    systems=AGENT,
    source="RFC 9562, 5.5: name-based UUIDs, version 5; house: one documented rule",
    breakers=("agent-old-style-md5", "agent-old-style-random", "agent-old-style-per-process"),
)
def old_style_mapped(mapped: Mapped, _recording: Recording) -> Findings:
    """An old-style id is always the same session: a UUID of version 5, the same in every answer of every instance.

    A digest laid out as a UUID has no version and no variant, and a store that looks for them refuses it. A new id for
    every chat loses the history.
    """
    first = _value(mapped.given[0][1])
    for subject, text in mapped.given:
        value = _value(text)
        if value is None or value.version != 5:
            yield subject.violation(f"'{mapped.named}' was mapped to {text!r}, which is no UUID of version 5.")
            return
        if value != first:
            yield subject.violation(f"'{mapped.named}' was mapped to {first} and to {value}.")
            return


def _value(text: str) -> UUID | None:
    """The UUID in a text, in whatever form: the form has a contract of its own."""
    try:
        return UUID(text)
    except ValueError:
        return None
