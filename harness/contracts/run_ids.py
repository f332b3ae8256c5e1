"""What identifies a run: its id, its time, and the project that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation
from harness.systems import runs

from .ids import is_uuid
from .registry import Findings, contract
from .run_calls import RunCall, run_calls
from .subjects import Sent, sent
from .times import moment, utc_offset_s

RUNS = ("runs",)
ZONE_S = 15 * 60
"""Zones differ by multiples of a quarter of an hour: a clock that is wrong by less is only wrong."""


def served(recording: Recording) -> Iterator[RunCall]:
    """Runs that were answered with a run."""
    return (call for call in run_calls(recording) if call.succeeded)


@contract(
    "ids.run-id-is-uuid",
    select=served,
    systems=RUNS,
    source="house; RFC 9562, 4: UUID format",
    breakers=("runs-id-not-uuid", "ids-without-version"),
)
def run_id_is_uuid(call: RunCall, _recording: Recording) -> Findings:
    """A run's id is a UUID: clients keep it in columns of that type."""
    if not is_uuid(call.answer_id):
        yield call.violation(f"The run's id is {call.run.get('id')!r}.")


@contract(
    "ids.run-created-at-utc",
    select=served,
    systems=RUNS,
    source="house; RFC 3339, 4.4: a time without an offset is no time that others can use",
    breakers=("runs-created-at-local",),
)
def run_created_at_utc(call: RunCall, recording: Recording) -> Findings:
    """A run's `created_at` is a time in UTC that says so, and is about now.

    A local time sorts wrong next to those of other servers, twice a year next to its own.
    """
    text = call.run.get("created_at")
    if utc_offset_s(text) != 0:
        yield call.violation(f"created_at is no time in UTC: {text!r}.")
        return
    said, recorded = moment(text), moment(recording.header.recorded_at)
    if said and recorded and abs((said - recorded).total_seconds()) >= ZONE_S:
        yield call.violation(f"created_at is {text}, the recording was made at {recording.header.recorded_at}.")


def _not_uuids(recording: Recording) -> list[Sent]:
    return [one for one in sent(recording, "strange-project") if one.kind == "not-uuid"]


@contract(
    "ids.other-than-uuid-not-found",
    select=_not_uuids,
    systems=RUNS,
    needs=[Capability.ACCOUNTS],
    source="house: an id that is no UUID is not found, never a database error",
    breakers=("runs-non-uuid-500",),
)
def other_than_uuid_not_found(subject: Sent, _recording: Recording) -> Findings:
    """A project's id that is no UUID is not found: 404.

    Handed to a database as it is, it comes back as an error of the database, and as a 500.
    """
    exchange = subject.exchange
    if exchange.status != runs.NOT_FOUND_STATUS:
        yield Violation(
            f"A run in project {subject.mark.data['id'][:40]!r} was answered by {exchange.status or 'nothing'}.",
            (Pointer(exchange.id, start=0, end=len(exchange.body)),),
        )
