"""What making a session promises, in each system that has sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.recording import Ending, Exchange, Json, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import agent
from harness.systems.chat import Step

from .agent_calls import object_of
from .chat_lives import taken
from .registry import Findings, contract


@dataclass(frozen=True)
class Creation:
    """A session that was asked for with a good token and a good body.

    ``wanted`` are the statuses of the transition table, ``given`` is what the answer has for the session's id.
    """

    exchange: Exchange
    wanted: tuple[int, ...]
    given: Json


SPOILT = ("bad-token", "bad-input", "odd-input")
"""The marks of requests that are not to be served: whose token or body is wrong on purpose."""


def _creations(recording: Recording) -> Iterator[Creation]:
    spoilt = {mark.data["tie"] for mark in recording.marks if mark.name in SPOILT}
    return (one for one in _asked(recording) if one.exchange.tie is None or one.exchange.tie not in spoilt)


def _asked(recording: Recording) -> Iterator[Creation]:
    for one in taken(recording):
        if one.step is Step.CREATE:
            yield Creation(one.exchange, one.transition.statuses, one.session)
    wanted = agent.TRANSITIONS[agent.State.ABSENT, agent.Step.CREATE].statuses
    nobody = {mark.data["tie"] for mark in recording.marks if mark.name == "bad-token"}
    for exchange in recording.side(Side.CLIENT):
        asked = exchange.operation == agent.CREATE.name and exchange.tie not in nobody
        if asked and exchange.ending is not Ending.CLIENT_CLOSE:
            yield Creation(exchange, wanted, object_of(exchange.body).get("session_id"))


@contract(
    "session.creation-answered",
    select=_creations,
    systems=("chat", "agent"),
    source="house: the table of a session's transitions",
    breakers=("chat-creations-at-once-fail", "agent-creations-at-once-fail"),
)
def creation_answered(one: Creation, _recording: Recording) -> Findings:
    """Whoever asks for a session gets one: 201 and its id, however many ask for theirs at the same moment.

    That no two ids are alike says little where most of those who asked got none.
    """
    here = (Pointer(one.exchange.id, at_ns=one.exchange.ended_ns),)
    if one.exchange.status not in one.wanted:
        wanted = " or ".join(map(str, one.wanted))
        yield Violation(
            f"A session was asked for, and answered by {one.exchange.status or 'nothing'}, not {wanted}.", here
        )
    elif not isinstance(one.given, str) or not one.given:
        yield Violation(f"A session was made, and its id in the answer is {one.given!r}.", here)
