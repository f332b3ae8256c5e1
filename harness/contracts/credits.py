"""What the ledger promises: holds that end, balances that add up, and no credit lost or made on the way."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.ledger import Entry, Kind, Ledger
from harness.core.names import Capability
from harness.core.recording import Mark, Recording
from harness.core.verdict import Doubt, Pointer, Violation

from .calls import Call, ledger
from .registry import Findings, contract
from .scope import EVERY, STREAMED
from .subjects import calls, ledgers

LEDGER = (Capability.LEDGER,)
HERE = (Pointer(probe="ledger"),)


def _with_usage(recording: Recording) -> Iterator[Ledger]:
    """Accounts with usage rows: those of calls that are paid by their tokens."""
    return (account for account in ledgers(recording) if account.usage)


@contract(
    "credits.usage-sane",
    select=_with_usage,
    systems=STREAMED,
    needs=LEDGER,
    source="house: a custom endpoint's usage may be zero, huge, or no number at all",
    breakers=("trusts-usage",),
)
def usage_sane(account: Ledger, recording: Recording) -> Findings:
    """Tokens and credits of a usage row are whole numbers, not negative, and within reason."""
    most = int(recording.header.facts.get("numbers", {}).get("sane_tokens_at_most", 10_000_000))
    for row in account.usage:
        for name, value in (("input", row.input_tokens), ("output", row.output_tokens), ("credits", row.credits)):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
                yield Violation(f"A usage row has {name} = {value!r}.", HERE)


@contract(
    "credits.hold-ends-once",
    select=ledgers,
    systems=EVERY,
    needs=LEDGER,
    source="house: one hold ends exactly once (elizaOS/eliza #9904, #10556, #11696)",
    breakers=(
        "hold-never-released",
        "double-settle",
        "hold-kept-when-client-leaves",
        "chat-hold-kept-when-owner-leaves",
        "chat-hold-kept-when-unsure",
        "chat-expired-token-ends-nothing",
        "chat-stop-cuts-streams",
        "hold-kept-when-stream-breaks",
    ),
)
def hold_ends_once(account: Ledger, _recording: Recording) -> Findings:
    """Every hold ends exactly once, settled or released.

    One that never ends keeps credits from their owner for ever; one that ends twice pays twice.
    """
    for hold in account.of(Kind.HOLD):
        ends = account.ends(hold)
        if len(ends) != 1:
            how = ", ".join(end.kind.value for end in ends) or "nothing"
            state = "" if account.settled else " (the target said that a call was still running)"
            yield Violation(f"A hold of {hold.amount} credits was ended by {how}{state}.", HERE)


@contract(
    "credits.never-negative",
    select=ledgers,
    systems=EVERY,
    needs=LEDGER,
    source="house: a balance never goes below zero",
    breakers=("negative-balance", "racy-hold"),
)
def never_negative(account: Ledger, _recording: Recording) -> Findings:
    """No entry leaves a balance below zero."""
    for entry in account.entries:
        if entry.balance < 0:
            yield Violation(f"A {entry.kind.value} of {entry.amount} left a balance of {entry.balance}.", HERE)
            return
    if account.balance < 0:
        yield Violation(f"The balance is {account.balance}.", HERE)


@contract(
    "credits.conserved",
    select=ledgers,
    systems=EVERY,
    needs=LEDGER,
    source="house: a balance is the sum of its entries",
    breakers=("balance-drifts", "credits-as-floats"),
)
def conserved(account: Ledger, _recording: Recording) -> Findings:
    """The balance is what the entries add up to, and each entry does to it what its kind says."""
    total = sum(entry.delta for entry in account.entries)
    if total != account.balance:
        yield Violation(f"The entries add up to {total}, the balance is {account.balance}.", HERE)
    held = {entry.id: entry.amount for entry in account.of(Kind.HOLD)}
    for entry in account.entries:
        wanted = _delta(entry, held)
        if entry.delta != wanted or entry.amount < 0:
            yield Violation(
                f"A {entry.kind.value} of {entry.amount} moved the balance by {entry.delta}, not by {wanted}.", HERE
            )


def _delta(entry: Entry, held: dict[str, int]) -> int:
    match entry.kind:
        case Kind.GRANT | Kind.REFUND:
            return entry.amount
        case Kind.HOLD:
            return -entry.amount
        case Kind.SETTLE:
            return held.get(entry.hold_id or "", 0) - entry.amount
        case Kind.RELEASE:
            return held.get(entry.hold_id or "", 0)


def _budgets(recording: Recording) -> list[Mark]:
    mark = recording.mark("budget")
    return [] if mark is None else [mark]


@contract(
    "credits.no-overspend",
    select=_budgets,
    systems=EVERY,
    needs=[Capability.ACCOUNTS],
    source="house: wasp-lang/open-saas #727, mozilla-ai/any-llm #836",
    breakers=("racy-hold", "credit-not-checked", "chat-checked-then-spent", "chat-hold-too-small"),
)
def no_overspend(budget: Mark, recording: Recording) -> Findings:
    """Of N calls at once on a balance for K, exactly K succeed and the others are refused with 402.

    Checked first and taken later, one balance pays for every call that was checked in between.
    """
    made, affordable = list(calls(recording)), int(budget.data["affordable"])
    served = [call for call in made if call.succeeded]
    refused = [call for call in made if call.client.status == 402]
    if len(served) > affordable:
        yield Violation(
            f"The balance paid for {affordable} calls, {len(served)} of {len(made)} succeeded.",
            tuple(call.here() for call in served),
        )
    elif len(served) + len(refused) < len(made):
        yield Doubt(
            f"{len(made) - len(served) - len(refused)} of {len(made)} calls neither succeeded nor were refused."
        )
    elif len(served) < affordable:
        yield Violation(f"The balance paid for {affordable} calls, only {len(served)} succeeded.", HERE)


def _refused_for_credit(recording: Recording) -> list[Call]:
    return [call for call in calls(recording) if call.client.status == 402]


@contract(
    "credits.refused-before-the-provider",
    select=_refused_for_credit,
    systems=EVERY,
    needs=[Capability.PROVIDER],
    source="house: balance below the hold, 402 before any provider call",
    breakers=("overspend-calls-provider", "runs-credit-after-provider"),
)
def refused_before_the_provider(call: Call, _recording: Recording) -> Findings:
    """A call that is refused for lack of credit never reaches a provider: somebody would pay for it."""
    if call.upstream is not None:
        yield call.violation("The client read 402, and the provider was called all the same.")


def _refused_untouched(recording: Recording) -> Iterator[tuple[Ledger, int]]:
    """Accounts none of whose calls came to anything, though no provider is to blame: refused for what they asked."""
    account, made = ledger(recording), list(calls(recording))
    if account and made and all(400 <= (call.client.status or 0) < 500 and not call.upstreams for call in made):
        yield account, len(made)


@contract(
    "credits.refusals-are-free",
    select=_refused_untouched,
    systems=EVERY,
    needs=LEDGER,
    source="house: refused before any hold",
    breakers=(
        *("charges-before-validation", "runs-charges-bad-input", "runs-charges-unknown-model"),
        "charges-before-token",
    ),
)
def refusals_are_free(subject: tuple[Ledger, int], _recording: Recording) -> Findings:
    """A request that is refused for what it asks leaves no mark on the account: not a charge, not a hold."""
    account, refused = subject
    touched = [entry for entry in account.entries if entry.kind is not Kind.GRANT]
    if touched:
        kinds = ", ".join(sorted({entry.kind.value for entry in touched}))
        yield Violation(f"{refused} refused calls left {len(touched)} ledger entries ({kinds}).", HERE)
