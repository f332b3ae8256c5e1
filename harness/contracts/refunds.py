"""What comes back, and what stays charged: refunds of what is paid up front, and the balance that a client is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.ledger import Entry, Kind, Ledger
from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer
from harness.systems import runs

from .calls import broken_off
from .charges import Paid, paid
from .plan_calls import PlanCall
from .registry import Findings, contract
from .run_calls import RunCall, project_of
from .scope import EVERY
from .upstream import Way

RUNS = ("runs",)
PREPAID = ("runs", "workflow")
"""The systems that charge before the provider is called."""
LEDGER = (Capability.LEDGER,)
SEEN = (Capability.LEDGER, Capability.PROVIDER)
HERE = (Pointer(probe="ledger"),)


@dataclass(frozen=True)
class Prepaid:
    """The only call of an account that pays up front, and the account."""

    call: RunCall | PlanCall
    account: Ledger
    failed: bool


@dataclass(frozen=True)
class PaidRun(Prepaid):
    """The same of a run."""

    call: RunCall


def _prepaid(recording: Recording) -> Iterator[Prepaid]:
    """Runs and plans that came to an end, well or not, while their client stayed, and that were not refused."""
    for one in paid(recording):
        call = one.call
        if isinstance(call, RunCall | PlanCall) and not call.left:
            failed = broken_off(call, recording)
            if failed or call.upstream is not None:
                yield Prepaid(call, one.account, failed)


def _runs(recording: Recording) -> Iterator[PaidRun]:
    for one in _prepaid(recording):
        if isinstance(one.call, RunCall):
            yield PaidRun(one.call, one.account, one.failed)


def _returned(recording: Recording) -> list[Prepaid]:
    return [one for one in _prepaid(recording) if one.failed and one.account.of(Kind.REFUND)]


def _refunded(recording: Recording) -> list[PaidRun]:
    return [one for one in _runs(recording) if one.failed and one.account.of(Kind.REFUND)]


@contract(
    "credits.refund-once",
    select=_prepaid,
    systems=PREPAID,
    needs=SEEN,
    source="house: elizaOS/eliza #11484, #11696 refunded twice",
    breakers=(
        "runs-no-refund",
        "runs-refund-twice",
        "runs-stop-not-refunded",
        "workflow-timeout-not-refunded",
        "workflow-other-key-taken",
        "workflow-text-blocks-ignored",
    ),
)
def refund_once(subject: Prepaid, _recording: Recording) -> Findings:
    """A run or plan that failed is refunded exactly once, one that did not fail never.

    Credits are taken before the provider is called: a failure that does not give them back sells nothing for money,
    one that gives them back twice pays the customer.
    """
    refunds, wanted = len(subject.account.of(Kind.REFUND)), int(subject.failed)
    if refunds != wanted:
        state = "failed" if subject.failed else "completed"
        yield subject.call.violation(f"The call {state} and was refunded {refunds} times.", *HERE)


def _charge(account: Ledger, refund: Entry) -> int:
    return sum(entry.amount for entry in account.of(Kind.SETTLE) if entry.hold_id == refund.hold_id)


@contract(
    "credits.refund-is-the-charge",
    select=_returned,
    systems=PREPAID,
    needs=SEEN,
    source="house: a refund is at most what was charged",
    breakers=("runs-refund-other-amount", "workflow-refund-short"),
)
def refund_is_the_charge(subject: Prepaid, _recording: Recording) -> Findings:
    """A refund gives back what was charged, no more and no less."""
    for refund in subject.account.of(Kind.REFUND):
        charged = _charge(subject.account, refund)
        if refund.amount != charged:
            yield subject.call.violation(f"{charged} credits were charged, {refund.amount} refunded.", *HERE)


@contract(
    "credits.refund-explained",
    select=_refunded,
    systems=RUNS,
    needs=SEEN,
    source="house: reason and metadata of a refund's entry",
    breakers=("runs-refund-without-metadata",),
)
def refund_explained(subject: PaidRun, _recording: Recording) -> Findings:
    """A refund's entry says why: its reason, and the model, the project and the error in its metadata.

    Who reads an account a year later has nothing else to go by.
    """
    call = subject.call
    for refund in subject.account.of(Kind.REFUND):
        said = refund.metadata
        wrong = [] if refund.reason == runs.REFUND_REASON else [f"reason {refund.reason!r}"]
        wrong += [] if said.get("model") in call.names else [f"model {said.get('model')!r}"]
        wrong += [] if said.get("project_id") == project_of(call) else [f"project_id {said.get('project_id')!r}"]
        wrong += [] if said.get("error") else ["no error"]
        if wrong:
            yield call.violation(f"The refund of a run of '{call.model}' says {', '.join(wrong)}.", *HERE)


def _served(recording: Recording) -> list[PaidRun]:
    return [one for one in _runs(recording) if one.call.succeeded]


@contract(
    "credits.remaining-true",
    select=_served,
    systems=RUNS,
    needs=LEDGER,
    source="house: a run costs its fixed price, and says what is left",
    breakers=("runs-balance-wrong", "balance-drifts", "credit-not-checked", "double-settle"),
)
def remaining_true(subject: PaidRun, recording: Recording) -> Findings:
    """A run costs its price; `credits_used` is that, and `credits_remaining` is the balance in the ledger.

    Clients show the figure and stop at zero: one too high promises a run that will be refused.
    """
    price, account, answer = runs.price_credits(recording.header.facts), subject.account, subject.call.answer
    if not price == account.charged() == answer.get("credits_used"):
        yield subject.call.violation(
            f"A run costs {price}; {account.charged()} were charged, credits_used says {answer.get('credits_used')!r}.",
            *HERE,
        )
    if answer.get("credits_remaining") != account.balance:
        yield subject.call.violation(
            f"credits_remaining says {answer.get('credits_remaining')!r}, the balance is {account.balance}.", *HERE
        )


def _left_unanswered(recording: Recording) -> list[Paid]:
    """Calls whose client left before any answer, and whose provider had none either."""
    return [
        one
        for one in paid(recording)
        if one.call.left
        and one.call.client.response is None
        and one.call.upstream is not None
        and one.call.upstream.way is not Way.COMPLETE
    ]


@contract(
    "credits.left-unanswered-free",
    select=_left_unanswered,
    systems=EVERY,
    needs=SEEN,
    source="house: a failed call that delivered nothing costs nothing",
    breakers=(
        "runs-client-gone-charged",
        "runs-no-refund",
        "workflow-client-gone-charged",
        "workflow-refund-short",
        "left-unanswered-charged",
    ),
)
def left_unanswered_free(subject: Paid, _recording: Recording) -> Findings:
    """A call that its client broke off before there was an answer costs nothing.

    The handler that would have given the credits back is the one that is cancelled when the client leaves.
    """
    if subject.charged > 0:
        yield subject.call.violation(
            f"The client left, the provider had not answered, and {subject.charged} credits were charged.", *HERE
        )
