"""How often chat asks accounting, and what it logs of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from harness.core.names import Capability
from harness.core.recording import Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting

from .chat_calls import CHAT, StreamCall, service_failed, stream_calls
from .chat_credits import Billed, billed
from .log import log_lines, parsed
from .registry import Findings, contract

_LOG = (Pointer(probe="log"),)


def _asked(recording: Recording) -> Iterator[tuple[StreamCall, Mapping[str, int]]]:
    """The only stream of a recording whose chat asked accounting, with how often it asked what."""
    made = stream_calls(recording)
    asked = Counter(exchange.operation for exchange in recording.side(Side.SERVICE))
    if len(made) == 1 and asked and not service_failed(recording):
        yield made[0], asked


@contract(
    "credits.chat-asked-once",
    select=_asked,
    systems=CHAT,
    source="house: every paid call is hold, call, settle or release; one hold ends exactly once",
    breakers=("chat-checks-after-hold", "chat-ends-twice"),
)
def chat_asked_once(subject: tuple[StreamCall, Mapping[str, int]], _recording: Recording) -> Findings:
    """For one stream accounting is asked to check once, to hold once, and to end the hold once, one way or the other.

    That an end again does no harm is accounting's promise, and no licence.
    """
    call, asked = subject
    often = {name: asked[name] for name in (accounting.CHECK.name, accounting.INITIALIZE.name) if asked[name] > 1}
    ends = sum(asked[name] for name in accounting.ENDS)
    if often:
        told = " and ".join(f"{name} {count} times" for name, count in often.items())
        yield call.violation(f"One stream asked for {told}.")
    if ends > 1:
        yield call.violation(f"The hold of one stream was ended {ends} times.")


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
                yield Violation(f"The log says {said!r} credits, {one.charged} were charged.", _LOG)
