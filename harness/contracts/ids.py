"""What identifiers promise: their form, and that no two things share one."""

from __future__ import annotations

from uuid import UUID

from harness.core.ledger import Ledger
from harness.core.names import Capability
from harness.core.recording import Exchange, Recording
from harness.core.verdict import Level, Pointer, Violation

from .calls import Call, ChatCall
from .registry import Findings, contract
from .scope import COMPLETIONS, EVERY, WHOLE
from .subjects import answers, calls, ledgers, streams

VERSIONS = range(1, 9)
"""The versions that RFC 9562 (4.2) has: 0 is unused, 9 to 15 are reserved."""


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID of RFC 9562 in canonical form: its variant, one of its versions; so not nil nor max."""
    try:
        value = UUID(text)
    except ValueError:
        return False
    return str(value) == text.lower() and value.version in VERSIONS


@contract(
    "ids.request-id",
    select=answers,
    systems=COMPLETIONS,
    level=Level.SHOULD,
    source="house; RFC 9562, 4: UUID format",
    breakers=("request-id-not-uuid",),
)
def request_id(exchange: Exchange, _recording: Recording) -> Findings:
    """An answer carries `x-request-id`, a UUID: what a user can quote and a log can be searched for."""
    value = (exchange.response.header("x-request-id") or "") if exchange.response else ""
    if not is_uuid(value):
        yield Violation(f"x-request-id is {value!r}.", (Pointer(exchange.id),))


@contract(
    "ids.one-id-a-stream",
    select=streams,
    systems=COMPLETIONS,
    source="OpenAI API reference, chat completion chunk object: each chunk has the same id",
    breakers=("mixed-ids",),
)
def one_id_a_stream(call: ChatCall, _recording: Recording) -> Findings:
    """All chunks of a stream carry one id: it is how a client puts the pieces of an answer together."""
    ids = call.stream.ids if call.stream else ()
    if len(ids) > 1:
        yield call.violation(f"The stream has {len(ids)} ids, the first two {ids[0]!r} and {ids[1]!r}.")


def _recordings(recording: Recording) -> list[tuple[Call, ...]]:
    named = tuple(call for call in calls(recording) if call.answer_id)
    return [named] if len(named) > 1 else []


@contract(
    "ids.completion-id-unique",
    select=_recordings,
    systems=WHOLE,
    source="OpenAI API reference, chat completion object: id is a unique identifier",
    breakers=("call-id-reused",),
)
def completion_id_unique(named: tuple[Call, ...], _recording: Recording) -> Findings:
    """No two answers share an id, not even to the same request sent twice."""
    seen: dict[str, Call] = {}
    for call in named:
        name = call.answer_id
        if name in seen:
            yield call.violation(f"{seen[name].client.id} and {call.client.id} both have the id {name!r}.")
        seen[name] = call


@contract(
    "ids.ledger-ids-are-uuids",
    select=ledgers,
    systems=EVERY,
    needs=[Capability.LEDGER],
    source="house; RFC 9562, 4: UUID format",
    breakers=("ledger-ids-counted",),
)
def ledger_ids_are_uuids(account: Ledger, _recording: Recording) -> Findings:
    """Ledger entries and usage rows have UUIDs, each its own.

    A counter tells every customer how many calls all the others made, and collides when two stores are merged.
    """
    names = [row.id for row in account.entries] + [row.id for row in account.usage]
    for name in names:
        if not is_uuid(name):
            yield Violation(f"A row of the ledger has the id {name!r}.", (Pointer(probe="ledger"),))
            return
    if len(set(names)) != len(names):
        yield Violation("Two rows of the ledger have the same id.", (Pointer(probe="ledger"),))
