"""What becomes of the money where a call's end and its client's leaving meet."""

from __future__ import annotations

from harness.core.ledger import Kind, Ledger
from harness.core.names import Capability
from harness.core.race import END_RACED
from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation

from .calls import ledger
from .log import log_lines, parsed
from .refunds import PREPAID
from .registry import Findings, contract
from .scope import EVERY

HERE = (Pointer(probe="ledger"),)
COMPLETED = (("run", "completed"), ("plan", "completed"))
"""Event and status of the log's line of a call that was completed."""


def _raced(recording: Recording) -> list[Ledger]:
    account = ledger(recording)
    return [] if account is None or recording.mark(END_RACED) is None else [account]


@contract(
    "race.end-or-leave",
    select=_raced,
    systems=EVERY,
    needs=[Capability.LEDGER, Capability.PROVIDER],
    source="house: one hold ends exactly once; a refund is at most what was charged, once",
    breakers=("left-late-given-back",),
)
def end_or_leave(account: Ledger, recording: Recording) -> Findings:
    """A client that leaves at the moment at which its call ends has paid for it, or has its credits back: not both.

    Who settles and who gives back are two tasks that do not know of each other. Where both act, the work was done for
    nothing. (Where neither does, the hold has not ended, which another contract sees.)
    """
    back = {entry.hold_id for entry in account.of(Kind.REFUND)}
    if recording.header.system not in PREPAID:
        if back:
            yield Violation(f"{len(back)} calls were settled, and what they cost was given back.", HERE)
        return
    for lines in log_lines(recording):
        completed = sum((row.get("event"), row.get("status")) in COMPLETED for row in parsed(lines))
        kept = len(account.of(Kind.SETTLE)) - len(back)
        if kept < completed:
            where = (*HERE, Pointer(probe="log"))
            yield Violation(f"{completed} calls were completed, and only {kept} are paid for.", where)
