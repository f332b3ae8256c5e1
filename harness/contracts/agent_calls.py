"""The agent's sessions as subjects: what was done to which, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.framing.json import lenient
from harness.systems import agent
from harness.systems.agent import State, Step
from harness.systems.route import Route

from .calls import ChatCall, chat_calls

FOREIGN = "foreign"
"""The mark of what another user does: tokens are not in recordings, so the scenario says so."""

READS = (agent.SESSION, agent.MESSAGES)


@dataclass(frozen=True)
class Created:
    """A request for a new session, and its answer."""

    exchange: Exchange
    asked: dict[str, Json]
    answer: dict[str, Json]

    @property
    def session_id(self) -> str:
        """The new session's id; empty where the answer has none."""
        return _text(self.answer.get("session_id"))


@dataclass(frozen=True)
class Taken:
    """A step taken with a session: ``id`` is the UUID that its name means, ``before`` the state that it was in.

    ``chat`` is the chat that it was, None for a step that only reads.
    """

    exchange: Exchange
    step: Step
    id: UUID
    named: str
    before: State
    foreign: bool = False
    chat: ChatCall | None = None

    def violation(self, sentence: str) -> Violation:
        """A violation in this step."""
        return Violation(sentence, (Pointer(self.exchange.id, at_ns=self.exchange.ended_ns),))


def created(recording: Recording) -> Iterator[Created]:
    """Sessions that clients asked for and got."""
    for exchange in recording.side(Side.CLIENT):
        if exchange.operation == agent.CREATE.name and exchange.status == agent.CREATED_STATUS:
            yield Created(exchange, object_of(exchange.request.body), object_of(exchange.body))


def steps(recording: Recording) -> tuple[Taken, ...]:
    """What was done with sessions by name, in order, each with the state before it: by the target's own answers.

    The owner's steps decide the state; to another user every session is absent. Chats that name no session, those
    that a client left, what names no id at all, and calls of nobody known are no steps.
    """
    return recording.memo("agent-steps", lambda: tuple(_steps(recording)))


def _steps(recording: Recording) -> Iterator[Taken]:
    foreign = {mark.data["tie"] for mark in recording.marks if mark.name == FOREIGN}
    changes = sorted(_changes(recording, foreign), key=lambda change: change[0])
    for step in sorted(_named(recording), key=lambda one: one.exchange.request.sent_ns):
        theirs, sent_ns = step.exchange.tie in foreign, step.exchange.request.sent_ns
        states = [state for at_ns, session, state in changes if session == step.id and at_ns <= sent_ns]
        yield replace(step, before=State.ABSENT if theirs or not states else states[-1], foreign=theirs)


def _changes(recording: Recording, foreign: set[Any]) -> Iterator[tuple[int, UUID | None, State]]:
    """When a session became what: by being made, and by every chat that completed, under each of its names."""
    for one in created(recording):
        yield one.exchange.ended_ns, agent.session_uuid(one.session_id), State.EMPTY
    for call in chat_calls(recording):
        if call.succeeded and call.client.tie not in foreign:
            for name in {session_named(call) or "", session_given(call)}:
                yield call.client.ended_ns, agent.session_uuid(name), State.USED


def _named(recording: Recording) -> Iterator[Taken]:
    strangers = {mark.data["tie"] for mark in recording.marks if mark.name in ("bad-token", "junk-id")}
    for route, step in zip(READS, (Step.READ, Step.LIST), strict=True):
        for exchange in recording.side(Side.CLIENT):
            if exchange.operation == route.name and exchange.tie not in strangers:
                yield from _taken(exchange, step, session_in(exchange, route), None)
    for call in chat_calls(recording):
        if not call.left and call.client.tie not in strangers:
            yield from _taken(call.client, Step.CHAT, session_named(call), call)


def _taken(exchange: Exchange, step: Step, named: str | None, chat: ChatCall | None) -> Iterator[Taken]:
    found = agent.session_uuid(named) if named is not None else None
    if named is not None and found is not None:
        yield Taken(exchange, step, found, named, State.ABSENT, chat=chat)


def session_in(exchange: Exchange, route: Route) -> str:
    """The session's id in the address, as it was meant."""
    before, after = route.path.split("{session_id}")
    path = exchange.request.url.split("?", 1)[0]
    return unquote(path.partition(before)[2].removesuffix(after))


def session_named(call: ChatCall) -> str | None:
    """The session that a chat names; None where it names none, or no text."""
    found = object_of(call.client.request.body).get("session_id")
    return found if isinstance(found, str) else None


def session_given(call: ChatCall) -> str:
    """The session that the answer to a chat says its messages belong to; empty where it says none."""
    response = call.client.response
    return (response.header(agent.SESSION_HEADER) or "") if response else ""


def old_style(name: str | None) -> bool:
    """Whether an id is an old-style one."""
    return name is not None and agent.OLD_STYLE.fullmatch(name) is not None


def object_of(data: bytes) -> dict[str, Json]:
    """The JSON object in a body; empty where it is none."""
    try:
        value = lenient(data)
    except DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
