"""What chat's log says of a stream's cost."""

from __future__ import annotations

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation

from .chat_calls import CHAT, service_failed
from .chat_credits import Billed, billed
from .log import log_lines, parsed
from .registry import Findings, contract


@contract(
    "log.chat-credits-true",
    select=billed,
    systems=CHAT,
    needs=(Capability.LEDGER, Capability.LOG),
    source="house: what was delivered is charged; the log says so",
    breakers=("chat-log-forgets-aborts", "chat-credits-used-wrong"),
)
def chat_credits_true(one: Billed, recording: Recording) -> Findings:
    """A line of the log that says `creditsUsed` of a stream says what its account was charged, however it ended."""
    if service_failed(recording):
        return
    for lines in log_lines(recording):
        for row in parsed(lines):
            said = row.get("creditsUsed", one.charged)
            if said != one.charged:
                yield Violation(f"The log says {said!r} credits, {one.charged} were charged.", (Pointer(probe="log"),))
