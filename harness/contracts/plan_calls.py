"""Plans as subjects: a client's request for one with the conversation that it caused, and what the log has of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json, Recording, Side
from harness.framing.json import lenient, loads
from harness.providers.openai import ErrorBody, decode_error
from harness.systems import workflow

from .calls import Call
from .log import log_lines, parsed
from .upstreams.chatkit import Conversation, canonical, conversations, upstream


@dataclass(frozen=True, kw_only=True)
class PlanCall(Call):
    """A plan: what was asked for (None where it is no JSON object), the answer's object, and the conversations."""

    table = workflow.PROVIDER_TABLE

    asked: dict[str, Json] | None
    answer: dict[str, Json]
    error: ErrorBody | None
    conversations: tuple[Conversation, ...]

    @property
    def asked_model(self) -> str | None:
        """No client names a model."""
        return None

    @property
    def named_models(self) -> frozenset[str]:
        """No answer names one."""
        return frozenset()

    @property
    def programme(self) -> dict[str, Json] | None:
        """The programme that the client received."""
        found = self.answer.get(workflow.KEY)
        return found if isinstance(found, dict) else None

    @property
    def text(self) -> str:
        """The programme as JSON with its keys in order; empty where there is none."""
        return "" if self.programme is None else canonical(self.programme)

    @property
    def succeeded(self) -> bool:
        """Whether a client would take the answer for a whole one."""
        return self.client.status == workflow.CREATED_STATUS and self.programme is not None and not self.left

    @property
    def answer_id(self) -> str:
        """The id of the answer; empty where it has none."""
        found = self.answer.get("id")
        return found if isinstance(found, str) else ""

    @property
    def code(self) -> str | int | None:
        """The code of the error that the client read."""
        return self.error.code if self.error else None

    @property
    def words(self) -> str:
        """The words of the error that the client read."""
        return self.error.message if self.error else ""

    @property
    def conversation(self) -> Conversation | None:
        """The last conversation: the one whose outcome counts."""
        return self.conversations[-1] if self.conversations else None


def plan_calls(recording: Recording) -> tuple[PlanCall, ...]:
    """The plans that a recording's clients asked for, by the time they did."""
    return recording.memo("plan-calls", lambda: tuple(_plan_calls(recording)))


def _plan_calls(recording: Recording) -> Iterator[PlanCall]:
    clients = [e for e in recording.side(Side.CLIENT) if e.operation == workflow.PLAN.name]
    held = _by_client(clients, conversations(recording))
    for client in clients:
        found = tuple(held[client.id])
        yield PlanCall(
            client=client,
            upstreams=tuple(upstream(one, workflow.KEY, workflow.lacking) for one in found),
            asked=_object(client.request.body, strict=True),
            answer=_object(client.body) or {},
            error=decode_error(client.body) if client.body and client.status != workflow.CREATED_STATUS else None,
            conversations=found,
        )


def _by_client(clients: Sequence[Exchange], found: Sequence[Conversation]) -> dict[str, list[Conversation]]:
    """Each conversation with the call that caused it.

    By its message's tag, and where the same prompt was sent several times, by its time. One that did not come to a
    message: with the first call that was under way when it began and has no other.
    """
    held: dict[str, list[Conversation]] = {client.id: [] for client in clients}
    for one in found:
        sent_ns = one.exchanges[0].request.sent_ns
        ours = [client for client in clients if client.tie is not None and client.tie == one.tie]
        before = [client for client in ours if client.request.sent_ns <= sent_ns]
        if before:
            held[before[-1].id].append(one)
    for one in found:
        sent_ns = one.exchanges[0].request.sent_ns
        if one.tie is None:
            under_way = [c for c in clients if c.request.sent_ns <= sent_ns <= c.ended_ns]
            first = next((c for c in under_way if not held[c.id]), under_way[0] if under_way else None)
            if first is not None:
                held[first.id].append(one)
    return held


@dataclass(frozen=True)
class Told:
    """The only plan of a user, its last conversation, and the log's lines of one event."""

    call: PlanCall
    conversation: Conversation
    rows: tuple[dict[str, Any], ...]


def told(recording: Recording, event: str) -> Iterator[Told]:
    """The plan of a recording that has just one, where the log was probed and the provider was reached."""
    made = plan_calls(recording)
    if recording.probe("log") is None or len(made) != 1 or made[0].conversation is None:
        return
    rows = tuple(row for lines in log_lines(recording) for row in parsed(lines) if row.get("event") == event)
    yield Told(made[0], made[0].conversation, rows)


def _object(data: bytes, *, strict: bool = False) -> dict[str, Json] | None:
    try:
        value = loads(data) if strict else lenient(data)
    except DecodeError:
        return None
    return value if isinstance(value, dict) else None
