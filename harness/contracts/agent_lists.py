"""What the agent's list of models says where Vertex AI has none for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.core.errors import DecodeError
from harness.core.names import Capability
from harness.core.recording import Ending, Exchange, Json, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.framing.json import lenient
from harness.providers.vertex import MODELS, TOKEN
from harness.systems import agent
from harness.systems.route import Outcome

from .agent_calls import object_of
from .registry import Findings, contract
from .scope import AGENT

NEEDS = (Capability.PROVIDER,)
SAID_OF_A_TOKEN = (408, 429)
"""Of the statuses below 500 those that say nothing of the credentials (RFC 6749 section 5.2 has 400 and 401)."""


def _lists(recording: Recording) -> list[tuple[Exchange, tuple[Exchange, ...]]]:
    """Each list that a client asked for and had an answer to, with what Vertex was asked for it meanwhile."""
    asked = [e for e in recording.side(Side.PROVIDER) if e.operation in (MODELS, TOKEN)]
    return [
        (one, tuple(e for e in asked if one.request.sent_ns <= e.request.sent_ns <= one.ended_ns))
        for one in recording.side(Side.CLIENT)
        if one.operation == agent.MODELS.name and one.response is not None
    ]


def refused_lists(recording: Recording) -> Iterator[tuple[Exchange, Exchange, Outcome]]:
    """Those for which the last that Vertex was asked failed, with what the table has for that."""
    for listed, theirs in _lists(recording):
        outcome = _outcome(theirs[-1]) if theirs else None
        if outcome is not None:
            yield listed, theirs[-1], outcome


def _outcome(theirs: Exchange) -> Outcome | None:
    table, status = agent.PROVIDER_TABLE, theirs.status
    if theirs.ending is Ending.CONNECT_ERROR:
        return table.unreachable
    if status is None:
        return table.timeout
    if theirs.operation == TOKEN and 400 <= status < 500 and status not in SAID_OF_A_TOKEN:
        return table.for_status(401)
    if status >= 400:
        return table.for_status(status)
    return None if theirs.ending is Ending.EOF and isinstance(_read(theirs.body), dict) else table.invalid


def _read(body: bytes) -> Json:
    try:
        return lenient(body)
    except DecodeError:
        return None


@contract(
    "models.list-failure-mapped",
    select=refused_lists,
    systems=AGENT,
    needs=NEEDS,
    source="house: the table of provider failures holds for the list too",
    breakers=("agent-models-failure-flattened", "flattened-500"),
)
def list_failure_mapped(subject: tuple[Exchange, Exchange, Outcome], _recording: Recording) -> Findings:
    """A list that Vertex refuses, or gives no token for, has the status and code that a chat would have.

    Whoever shows a choice of models asks again after a 503, later after a 429, and looks at the credentials after a
    502: one 500 for all leaves nothing to decide by.
    """
    listed, theirs, outcome = subject
    error = object_of(listed.body).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if (listed.status, code) != (outcome.status, outcome.code):
        yield Violation(
            f"Vertex's {theirs.operation} ended by {theirs.status or theirs.ending.value}, which calls for "
            f"{outcome.status} {outcome.code}; the client read {listed.status} {code or 'without a code'}.",
            (Pointer(listed.id), Pointer(theirs.id)),
        )


def _after_failure(recording: Recording) -> Iterator[tuple[Exchange, Exchange, tuple[Exchange, ...]]]:
    """Each list that was asked for after one that failed, with that one and what Vertex was asked for it."""
    lists = _lists(recording)
    for (before, failed), (listed, theirs) in pairwise(lists):
        if failed and _outcome(failed[-1]) is not None and before.ended_ns < listed.request.sent_ns:
            yield before, listed, theirs


@contract(
    "models.list-failure-not-kept",
    select=_after_failure,
    systems=AGENT,
    needs=NEEDS,
    source="house: a list is kept for a while, its failure is not",
    breakers=("agent-models-failure-kept",),
)
def list_failure_not_kept(subject: tuple[Exchange, Exchange, tuple[Exchange, ...]], _recording: Recording) -> Findings:
    """After a list that failed the next one asks Vertex again.

    A refusal of one moment that is kept as long as a list is an outage of minutes.
    """
    before, listed, theirs = subject
    if not theirs:
        yield Violation(
            "A list was answered without asking Vertex, whose last answer was a failure.",
            (Pointer(before.id), Pointer(listed.id)),
        )
