"""What the log has of runs, of those that failed, and of credits that came back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.core.ledger import Kind, Ledger
from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation
from harness.systems import runs

from .calls import ledger
from .log import log_lines, parsed
from .registry import Findings, contract
from .run_calls import RunCall, project_of, run_calls
from .run_errors import failed_runs
from .run_ids import served

RUNS = ("runs",)
HERE = (Pointer(probe="log"),)
Rows = tuple[dict[str, Any], ...]


def events(recording: Recording, name: str) -> Rows:
    """The log's lines of one event."""
    return tuple(row for lines in log_lines(recording) for row in parsed(lines) if row.get("event") == name)


@dataclass(frozen=True)
class Served:
    """The only run of a user, which was served, with the log's lines about runs."""

    call: RunCall
    rows: Rows


def _served(recording: Recording) -> Iterator[Served]:
    if recording.probe("log") is not None and len(run_calls(recording)) == 1:
        yield from (Served(call, events(recording, "run")) for call in served(recording) if call.upstream is not None)


@contract(
    "log.run-told",
    select=_served,
    systems=RUNS,
    needs=[Capability.LOG, Capability.PROVIDER],
    source="house: model asked and mapped, input length, output length",
    breakers=("runs-log-without-mapping", "runs-id-not-uuid", "answer-id-made-anew", "call-id-reused"),
)
def run_told(subject: Served, _recording: Recording) -> Findings:
    """A run has one line `run`: whose, which model was asked for and which one answered, how much went in and out.

    Nobody can see from outside which model a name stood for on the day.
    """
    call, rows = subject.call, subject.rows
    if len(rows) != 1:
        yield call.violation(f"The run has {len(rows)} lines 'run'.", *HERE)
        return
    row = rows[0]
    lacking = [field for field in runs.LOG_FIELDS["run"] if field not in row]
    if lacking:
        yield call.violation(f"The run's line lacks {', '.join(lacking)}.", *HERE)
        return
    seen = call.upstream.request.model if call.upstream and call.upstream.request else None
    wanted = {
        "mappedModel": seen,
        "outputLength": len(call.text),
        "runId": call.answer_id,
        "projectId": project_of(call),
    }
    wrong = [f"{name} {row[name]!r} for {value!r}" for name, value in wanted.items() if row[name] != value]
    wrong += _about(call, row)
    if wrong:
        yield call.violation(f"The run's line says {', '.join(wrong)}.", *HERE)


def _about(call: RunCall, row: dict[str, Any]) -> list[str]:
    """What a line says wrong of the model that was asked for, and of the input's length, trimmed or not."""
    wrong = [] if row["model"] in call.names else [f"model {row['model']!r} for {call.model!r}"]
    if row["inputLength"] not in (len(call.input), len(call.input.strip())):
        wrong.append(f"inputLength {row['inputLength']!r} for {len(call.input.strip())}")
    return wrong


@dataclass(frozen=True)
class Failed:
    """The only run of a user, which failed, with the log's lines about failures."""

    call: RunCall
    rows: Rows


def _failed(recording: Recording) -> Iterator[Failed]:
    if recording.probe("log") is not None and len(run_calls(recording)) == 1:
        yield from (Failed(call, events(recording, "run_failed")) for call in failed_runs(recording))


@contract(
    "log.run-failure-told",
    select=_failed,
    systems=RUNS,
    needs=[Capability.LOG, Capability.PROVIDER],
    source="house: message, stack, model, input length, and the provider's status, type and code",
    breakers=("runs-log-missing-failure",),
)
def run_failure_told(subject: Failed, _recording: Recording) -> Findings:
    """A failed run has one line `run_failed` with what failed and what the provider said of it.

    The client reads one sentence. Whoever has to mend it needs the provider's own status, type and code.
    """
    call, rows = subject.call, subject.rows
    if len(rows) != 1:
        yield call.violation(f"The failed run has {len(rows)} lines 'run_failed'.", *HERE)
        return
    row = rows[0]
    lacking = [field for field in runs.LOG_FIELDS["run_failed"] if field not in row]
    lacking += [field for field in ("message", "stack") if field in row and not row[field]]
    if lacking:
        yield call.violation(f"The failed run's line lacks {', '.join(lacking)}.", *HERE)
        return
    wanted = _provider_error(call)
    wrong = [f"{name} {row[name]!r} for {value!r}" for name, value in wanted.items() if row[name] != value]
    wrong += _about(call, row)
    if wrong:
        yield call.violation(f"The failed run's line says {', '.join(wrong)}.", *HERE)


def _provider_error(call: RunCall) -> dict[str, Any]:
    """What the provider said of its error: the status where it answered with one, type and code where it named them."""
    upstream = call.upstream
    if upstream is None or (upstream.exchange.status or 0) < 400:
        return {}
    said = {"status": upstream.exchange.status}
    if upstream.error is not None:
        said |= {name: value for name in ("type", "code") if (value := getattr(upstream.error, name)) is not None}
    return said


@dataclass(frozen=True)
class Returned:
    """An account with credits that came back, and the log's lines about that."""

    account: Ledger
    rows: Rows


def _returned(recording: Recording) -> Iterator[Returned]:
    account = ledger(recording)
    if account is not None and account.of(Kind.REFUND) and recording.probe("log") is not None:
        yield Returned(account, events(recording, "refund"))


@contract(
    "log.refund-told",
    select=_returned,
    systems=RUNS,
    needs=[Capability.LOG, Capability.LEDGER],
    source="house: the amount and the user",
    breakers=("runs-log-missing-refund",),
)
def refund_told(subject: Returned, _recording: Recording) -> Findings:
    """Credits that come back are in the log, with their amount and whose they are."""
    refunded = sum(entry.amount for entry in subject.account.of(Kind.REFUND))
    said = [row.get("amount") for row in subject.rows]
    if sum(amount for amount in said if isinstance(amount, int)) != refunded:
        yield Violation(f"{refunded} credits came back, the log's refunds say {said}.", HERE)
    for row in subject.rows:
        if row.get("userId") != subject.account.user_id:
            yield Violation(f"A refund to {subject.account.user_id} is logged for {row.get('userId')!r}.", HERE)
