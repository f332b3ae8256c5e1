"""What holds where a stream's settlement and its abort come at once."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.ledger import Ledger
from harness.core.names import Capability
from harness.core.race import SETTLE, Race, races
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Doubt, Pointer, Violation
from harness.systems import accounting

from .calls import ledger
from .chat_calls import CHAT, body_of, session_of
from .registry import Findings, contract

ENDED_STATUS = 200
Races = tuple[Ledger, tuple[Race, ...]]


def _raced(recording: Recording) -> Iterator[Races]:
    """All of a recording's, as one subject: that nothing was seen counts where some of them met."""
    account, found = ledger(recording), tuple(race for race in races(recording) if race.kind == SETTLE)
    if account is not None and found:
        yield account, found


def _ends(race: Race, recording: Recording) -> list[Exchange]:
    """Whatever ended the race's stream: its requests, and what was asked afterwards."""
    session = race.mark.data["session"]
    clients = recording.side(Side.CLIENT)
    return [one for one in clients if one.operation in accounting.ENDS and session_of(one) == session]


@contract(
    "race.one-end-counts",
    select=_raced,
    systems=CHAT,
    needs=[Capability.LEDGER],
    source="house: one hold ends exactly once, settled or released; elizaOS/eliza #11484, #11696",
    breakers=("chat-end-racy", "chat-finalize-charges-twice", "chat-finalize-not-idempotent"),
)
def one_end_counts(subject: Races, recording: Recording) -> Findings:
    """Of settlements and aborts of one stream that are let go at once one counts, and all are told what it came to.

    Looked up first and ended afterwards, a stream is charged for by everybody who found it open. That this was not
    seen counts only where the requests met, in one race at least; otherwise the verdict is inconclusive.
    """
    account, found = subject
    told = 0
    for race in found:
        ends = _ends(race, recording)
        answers = {str(body_of(one).get("creditsUsed")) for one in ends if one.status == ENDED_STATUS}
        unserved = sum(one.status != ENDED_STATUS for one in ends)
        if unserved or len(answers) != 1:
            read, where = ", ".join(sorted(answers)) or "nothing", tuple(Pointer(one.id) for one in ends)
            yield Violation(f"{len(ends)} ended a stream; {unserved} were not served, the others read {read}.", where)
            return
        told += sum(int(one) for one in answers if one.isdecimal())
    if account.charged() != told:
        where = (Pointer(probe="ledger"),)
        yield Violation(f"{len(found)} streams were told to cost {told}; {account.charged()} were charged.", where)
    elif not any(race.met for race in found):
        yield Doubt(found[0].doubt())
