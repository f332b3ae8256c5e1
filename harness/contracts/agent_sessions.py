"""What a session promises: who it is, what can be done with it, and what it remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation
from harness.systems import agent
from harness.systems.agent import TRANSITIONS, State, Step

from .agent_calls import Created, Taken, created, object_of, old_style, session_given, session_named, steps
from .calls import ChatCall, broken_off, chat_calls
from .registry import Findings, contract
from .scope import AGENT

TABLE = "house: the session's transition table"


def _own_steps(recording: Recording) -> list[Taken]:
    """The steps of sessions' owners, but for chats that broke off: those are judged by what broke them off.

    An old-style id that is no session yet has a contract of its own.
    """
    found = [step for step in steps(recording) if not step.foreign and not _broken_off(step, recording)]
    return [step for step in found if not (old_style(step.named) and step.before is State.ABSENT)]


def _broken_off(step: Taken, recording: Recording) -> bool:
    return step.chat is not None and broken_off(step.chat, recording)


@contract(
    "session.transitions",
    select=_own_steps,
    systems=AGENT,
    source=TABLE,
    breakers=(
        *("agent-get-session-undefined-name", "agent-unknown-session-empty", "agent-old-style-random"),
        "agent-failed-chat-drops-session",
    ),
)
def transitions(step: Taken, _recording: Recording) -> Findings:
    """Every step with a session is answered by its status and code: 200 where it is there, 404 where it is not.

    An undefined name in the function that finds a session once made every chat in one a 500.
    """
    wanted = TRANSITIONS[step.before, step.step]
    code = _code(step)
    if step.exchange.status != wanted.status or (wanted.code is not None and code != wanted.code):
        said = f"{step.exchange.status or 'nothing'} {code or ''}".strip()
        yield step.violation(
            f"'{step.step}' of a session that was {step.before} was answered by {said}, "
            f"not {wanted.status} {wanted.code or ''}".rstrip()
            + "."
        )


def _foreign_steps(recording: Recording) -> list[Taken]:
    return [step for step in steps(recording) if step.foreign]


@contract(
    "session.private",
    select=_foreign_steps,
    systems=AGENT,
    source="house: a session is its maker's; OWASP API1:2023, broken object level authorization",
    breakers=("agent-foreign-session-shown", "agent-get-session-undefined-name"),
)
def private(step: Taken, _recording: Recording) -> Findings:
    """Another user's session is not found, whatever is done with it: nobody reads or learns of it by its id."""
    code = _code(step)
    if (step.exchange.status, code) != (agent.NO_SESSION.status, agent.NO_SESSION.code):
        yield step.violation(
            f"Another user's session was answered by {step.exchange.status} {code or ''}".rstrip() + "."
        )


def _first_chats(recording: Recording) -> list[Taken]:
    """Chats under an old-style id that is no session yet, and what is read under it afterwards."""
    found = [step for step in steps(recording) if old_style(step.named) and not step.foreign]
    found = [step for step in found if not _broken_off(step, recording)]
    return [step for step in found if step.step is Step.CHAT or step.before is State.ABSENT]


@contract(
    "session.old-style-begins",
    select=_first_chats,
    systems=AGENT,
    source="house: clients made old-style ids themselves",
    breakers=("agent-old-style-not-found", "agent-old-style-narrow", "agent-get-session-undefined-name"),
)
def old_style_begins(step: Taken, _recording: Recording) -> Findings:
    """A chat under an old-style id begins that session; before it, there is none to be read.

    No call ever made such a session: clients that still have these ids made them up, and expect them to work.
    """
    wanted = 200 if step.step is Step.CHAT else agent.NO_SESSION.status
    if step.exchange.status != wanted:
        yield step.violation(
            f"'{step.step}' under '{step.named}' was answered by {step.exchange.status}, not {wanted}."
        )


@contract(
    "session.user-named",
    select=created,
    systems=AGENT,
    source="house: no user id, the session's own stands in",
    breakers=("agent-user-id-null",),
)
def user_named(made: Created, _recording: Recording) -> Findings:
    """A new session's answer has its user: the one that was given, or where none was, the session's own id."""
    wanted = made.asked.get("user_id") or made.session_id
    if made.answer.get("user_id") != wanted:
        yield Violation(
            f"The session's user is {made.answer.get('user_id')!r}, not {wanted!r}.", (Pointer(made.exchange.id),)
        )


@dataclass(frozen=True)
class Listed:
    """A session's messages as they were read, and the chats in it that had completed by then."""

    step: Taken
    messages: tuple[tuple[str, str], ...]
    chats: tuple[ChatCall, ...]
    broken: int

    @property
    def said(self) -> list[tuple[str, str]]:
        """What both sides said in those chats."""
        return [line for chat in self.chats for line in _lines(chat)]


def _lists(recording: Recording) -> Iterator[Listed]:
    for step in steps(recording):
        if step.step is Step.LIST and step.exchange.status == 200:
            before = [chat for chat in chat_calls(recording) if _in(chat, step)]
            done = tuple(chat for chat in before if chat.succeeded)
            yield Listed(step, tuple(_messages(step)), done, len(before) - len(done))


def _in(chat: ChatCall, step: Taken) -> bool:
    """Whether a chat was in this session, and over when the session was read."""
    return session_given(chat).lower() == str(step.id) and chat.client.ended_ns <= step.exchange.request.sent_ns


def _messages(step: Taken) -> Iterator[tuple[str, str]]:
    rows = object_of(step.exchange.body).get("messages")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            yield str(row.get("role")), str(row.get("content"))


def _question(chat: ChatCall) -> tuple[str, str]:
    messages = object_of(chat.client.request.body).get("messages") or [{}]
    return str(messages[-1].get("role")), str(messages[-1].get("content"))


def _held(recording: Recording) -> list[Listed]:
    return [one for one in _lists(recording) if one.chats]


@contract(
    "session.remembers",
    select=_held,
    systems=AGENT,
    source="house: both messages are stored under the session",
    breakers=(
        *("agent-answer-not-stored", "agent-streams-not-stored", "agent-closed-socket-hidden"),
        *("agent-stop-ends-silently", "invented-stop"),
    ),
)
def remembers(listed: Listed, _recording: Recording) -> Findings:
    """A session holds what both sides said in every chat that completed, in order and word for word.

    Plain or streamed, what the client read is what is found later. Of chats that were under way at once either may
    come first.
    """
    rest: list[tuple[str, str] | None] = list(listed.messages)
    places: list[int] = []
    for chat in listed.chats:
        at = 0
        for line in _lines(chat):
            if line not in rest[at:]:
                yield listed.step.violation(f"The session lacks what the {line[0]} said: {line[1][:60]!r}.")
                return
            at = rest.index(line, at)
            rest[at] = None
        places.append(at)
    for (place, chat), (other_place, other) in pairwise(sorted(zip(places, listed.chats, strict=True), key=_place)):
        if other.client.ended_ns <= chat.client.request.sent_ns:
            yield listed.step.violation(
                f"Message {other_place} is of a chat that was over before the one of message {place} began."
            )
            return


def _place(placed: tuple[int, ChatCall]) -> int:
    return placed[0]


def _several(recording: Recording) -> list[Listed]:
    return [one for one in _lists(recording) if len(one.chats) > 1]


@contract(
    "session.chats-not-mixed",
    select=_several,
    systems=AGENT,
    source="house: both messages of a chat are stored under the session",
    breakers=("agent-chats-mixed",),
)
def chats_not_mixed(listed: Listed, _recording: Recording) -> Findings:
    """In a session each question is followed by its own answer, and by nothing of another chat's.

    Two chats of one session may be under way at once: both are served, and stored one after the other. Two questions
    in a row are a conversation that nobody had, and what the model is told next time.
    """
    for chat in listed.chats:
        question, answer = _lines(chat)
        if question in listed.messages and answer in listed.messages:
            after = listed.messages[listed.messages.index(question) + 1 :]
            if not after or after[0] != answer:
                yield listed.step.violation(f"What follows {question[1][:60]!r} is not the answer to it.")
                return


def _unbroken(recording: Recording) -> list[Listed]:
    return [one for one in _lists(recording) if one.chats and not one.broken]


@contract(
    "session.said-once",
    select=_unbroken,
    systems=AGENT,
    source="house: both messages of a chat are stored under the session",
    breakers=("agent-chat-stored-twice",),
)
def said_once(listed: Listed, _recording: Recording) -> Findings:
    """A session holds what was said in its chats once, and nothing that was not.

    What is there twice is paid for again with every chat that follows, and answered as if it had been asked again.
    """
    more = Counter(listed.messages) - Counter(listed.said)
    for (role, words), count in more.items():
        yield listed.step.violation(f"The session holds {count} more of what the {role} said: {words[:60]!r}.")


def _lines(chat: ChatCall) -> tuple[tuple[str, str], tuple[str, str]]:
    """What both sides said in a chat."""
    return _question(chat), ("assistant", chat.text)


def _broken(recording: Recording) -> list[Listed]:
    return [one for one in _lists(recording) if one.broken]


@contract(
    "session.keeps-no-halves",
    select=_broken,
    systems=AGENT,
    source="house: a chat that failed leaves nothing in its session",
    breakers=("agent-half-answer-stored", "agent-chat-stored-twice"),
)
def keeps_no_halves(listed: Listed, _recording: Recording) -> Findings:
    """A chat that failed or broke off leaves nothing in its session, neither its question nor half of an answer.

    The next chat would take the half for what was said.
    """
    more = len(listed.messages) - len(listed.said)
    if more > 0:
        yield listed.step.violation(
            f"{listed.broken} chats failed, {len(listed.chats)} completed, and the session holds "
            f"{len(listed.messages)} messages."
        )


def _answered(recording: Recording) -> list[ChatCall]:
    return [call for call in chat_calls(recording) if call.succeeded]


@contract(
    "session.chat-says-which",
    select=_answered,
    systems=AGENT,
    source="house: an answer says in `x-session-id` where its messages are stored",
    breakers=("agent-session-header-missing",),
)
def chat_says_which(call: ChatCall, _recording: Recording) -> Findings:
    """The answer to a chat names its session: the one that was asked for, or, where none was, a new one.

    A client that named none can go on in the session that it was given, instead of losing it.
    """
    named, given = session_named(call), session_given(call)
    found = agent.session_uuid(given)
    if found is None or (named is not None and found != agent.session_uuid(named) and not old_style(named)):
        yield call.violation(f"The chat named {named!r}, the answer's session is {given!r}.")


def _code(step: Taken) -> str | int | None:
    if step.chat:
        return step.chat.code
    error = object_of(step.exchange.body).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None
