"""What is kept of runs and plans: the records of an account, as its probe shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer

from .calls import Call, accounted, ledger
from .refunds import PREPAID
from .registry import Findings, contract
from .subjects import calls


@dataclass(frozen=True)
class Kept:
    """A run or plan that was answered, and the ids of all that are stored of its account."""

    call: Call
    ids: frozenset[str]


def _kept(recording: Recording) -> Iterator[Kept]:
    account = ledger(recording)
    if account is None or account.records is None:
        return
    ids = frozenset(name for names in account.records.values() for name in names)
    for call in accounted(calls(recording), recording):
        if call.succeeded and call.answer_id:
            yield Kept(call, ids)


@contract(
    "ids.answer-is-the-record",
    select=_kept,
    systems=PREPAID,
    needs=[Capability.LEDGER],
    source="RFC 9562, 4: the textual form; house: the same id in body, store and later answers",
    breakers=("answer-id-made-anew", "call-id-reused", "runs-id-not-uuid", "workflow-id-is-the-session"),
)
def answer_is_the_record(kept: Kept, _recording: Recording) -> Findings:
    """A run or plan is stored under the id that its client was given, in the same form.

    An id that only the answer has finds nothing, in the store, in the ledger or in the log.
    """
    if kept.call.answer_id not in kept.ids:
        yield kept.call.violation(
            f"The answer's id is {kept.call.answer_id!r}; none of the {len(kept.ids)} records has it.",
            Pointer(probe="ledger"),
        )
