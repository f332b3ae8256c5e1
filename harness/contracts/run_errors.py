"""What a run that failed, or was refused, says to its caller."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation
from harness.systems import runs

from .calls import failures
from .registry import Findings, contract
from .run_calls import RunCall, body_object, run_calls
from .subjects import Sent, sent
from .times import utc_offset_s

RUNS = ("runs",)
PROVIDER = (Capability.PROVIDER,)


def failed_runs(recording: Recording) -> Iterator[RunCall]:
    """Runs whose provider failed, and that were answered."""
    for call in run_calls(recording):
        if not call.left and call.client.response is not None and failures(call, recording):
            yield call


@contract(
    "errors.failure-message",
    select=failed_runs,
    systems=RUNS,
    needs=PROVIDER,
    source="house: the table of provider failures",
    breakers=("runs-flattened-500", "runs-timeout-message-wrong", "runs-leaks-key"),
)
def failure_message(call: RunCall, recording: Recording) -> Findings:
    """Each kind of provider failure has its own sentence, word for word, with the model by the name that was asked for.

    The code is the same for all of them: the sentence is all that tells a wrong key from a provider that is down.
    """
    wanted = failures(call, recording)
    if not any(call.says(outcome) for outcome in wanted):
        words = " or ".join(repr(words) for outcome in wanted for words in call.wanted_words(outcome))
        yield call.violation(f"The provider's failure calls for {words}, the client read {call.words!r}.")


@contract(
    "errors.failure-details",
    select=failed_runs,
    systems=RUNS,
    needs=PROVIDER,
    source="house; RFC 3339, 5.6: a time with its offset",
    breakers=("runs-error-without-details",),
)
def failure_details(call: RunCall, _recording: Recording) -> Findings:
    """A failed run says of which model and when: `details` has `model`, as asked for, and `timestamp`, in UTC.

    It is what a user can quote, and what the log can be searched by.
    """
    details = call.answer.get("details")
    found = details if isinstance(details, dict) else {}
    lacking = [field for field in runs.FAILURE_DETAILS if field not in found]
    if lacking:
        yield call.violation(f"The failure's details lack {', '.join(lacking)}.")
    elif found["model"] not in call.names:
        yield call.violation(f"'{call.model}' failed, the details say {found['model']!r}.")
    elif utc_offset_s(found["timestamp"]) != 0:
        yield call.violation(f"The details' timestamp is no time in UTC: {found['timestamp']!r}.")


def _strange(recording: Recording) -> Iterator[tuple[Sent, Sent]]:
    """A project that is not there, and one of somebody else's."""
    found = {one.kind: one for one in sent(recording, "strange-project")}
    if "absent" in found and "foreign" in found:
        yield found["absent"], found["foreign"]


@contract(
    "errors.foreign-like-absent",
    select=_strange,
    systems=RUNS,
    needs=[Capability.ACCOUNTS],
    source="house; RFC 9110, 15.5.4: 404 may hide that something exists (CWE-204: observable response discrepancy)",
    breakers=("runs-foreign-project-403",),
)
def foreign_like_absent(subject: tuple[Sent, Sent], _recording: Recording) -> Findings:
    """Another user's project is answered as one that does not exist: 404, the same body.

    Any difference tells a stranger which projects there are.
    """
    absent, foreign = (one.exchange for one in subject)
    for exchange in (absent, foreign):
        if exchange.status != runs.NOT_FOUND_STATUS:
            kind = "an absent project" if exchange is absent else "another user's project"
            yield Violation(f"A run in {kind} was answered by {exchange.status}.", (Pointer(exchange.id),))
            return
    if body_object(absent) != body_object(foreign):
        yield Violation(
            f"An absent project is answered by {absent.body[:60]!r}, another user's by {foreign.body[:60]!r}.",
            (Pointer(absent.id), Pointer(foreign.id)),
        )
