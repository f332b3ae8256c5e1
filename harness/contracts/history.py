"""What the ledger's history promises: that it is one that could have happened."""

from __future__ import annotations

from harness.core.history import check_order
from harness.core.ledger import Ledger
from harness.core.names import Capability
from harness.core.operation import Disorder
from harness.core.recording import Recording
from harness.core.verdict import Doubt, Pointer, Violation

from .registry import Findings, contract
from .scope import EVERY
from .subjects import ledgers

HERE = (Pointer(probe="ledger"),)


@contract(
    "credits.linearizable",
    select=ledgers,
    systems=EVERY,
    needs=[Capability.LEDGER],
    source="house: linearizability (Herlihy and Wing, 1990); wasp-lang/open-saas #727, mozilla-ai/any-llm #836",
    breakers=("balance-drifts", "credits-as-floats", "negative-balance", "racy-hold"),
)
def linearizable(account: Ledger, _recording: Recording) -> Findings:
    """The account's operations can be put into one order that explains the balance each of them reported.

    The order keeps apart what did not overlap, and in it a sequential account gives every operation the balance that
    it gave here; a hold succeeds only where the balance covers it. Where there is no such order, an update was lost,
    a balance was stale, or credits were spent twice. What is shown is the smallest set that cannot be ordered. The
    times are what counts, not the order of the rows; rows without times are taken in the order they have.
    """
    outcome = check_order(account.entries)
    for disorder in outcome.disorders:
        yield Violation(_sentence(disorder), HERE)
    for doubt in outcome.doubts:
        yield Doubt(doubt, HERE)


def _sentence(disorder: Disorder) -> str:
    """The reason and the operations in one line."""
    why, *shown = disorder.lines()
    return f"{why} ({'; '.join(line.strip() for line in shown)})" if shown else why
