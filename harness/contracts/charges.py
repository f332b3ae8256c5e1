"""What one call is charged: its price where it was completed, what was delivered where it was not, and no guess."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.ledger import Kind, Ledger
from harness.core.names import Capability
from harness.core.pricing import Tariff, input_estimate, tariff, token_estimate
from harness.core.recording import Recording, Side
from harness.core.verdict import Pointer
from harness.systems import accounting, gateway

from .calls import Call, ChatCall, accounted, broken_off, chat_calls, ledger
from .delivered import charged_as_delivered, delivered_characters
from .registry import Findings, contract
from .scope import COMPLETIONS, EVERY
from .subjects import calls

LEDGER = (Capability.LEDGER,)
SEEN = (Capability.LEDGER, Capability.PROVIDER)
HERE = (Pointer(probe="ledger"),)
_DIRECT = frozenset(route.name for route in accounting.ROUTES)


@dataclass(frozen=True)
class Paid:
    """The only call of an account with what was charged for it. With several calls nothing ties entry to call."""

    call: Call
    account: Ledger

    @property
    def charged(self) -> int:
        """Credits charged and not refunded."""
        return self.account.charged()

    @property
    def granted(self) -> int:
        """Credits that were ever put in: more than that cannot be charged."""
        return sum(entry.amount for entry in self.account.of(Kind.GRANT))


@dataclass(frozen=True)
class Billed(Paid):
    """The same of a chat call, with the tariff of its model."""

    call: ChatCall
    tariff: Tariff

    @property
    def prompt_characters(self) -> int:
        """Characters of the messages, joined by one space."""
        return len(self.call.request.prompt) if self.call.request else 0


def paid(recording: Recording) -> Iterator[Paid]:
    """The call of an account, where there is just one."""
    account, made = ledger(recording), accounted(calls(recording), recording)
    if account is not None and len(made) == 1:
        yield Paid(made[0], account)


def _billed(recording: Recording) -> Iterator[Billed]:
    account, calls = ledger(recording), chat_calls(recording)
    if account is None or len(calls) != 1 or calls[0].request is None:
        return
    facts = gateway.priced(recording.header.facts, recording.header.asked.get("settings") or {})
    price = tariff(facts, calls[0].request.model)
    if price is not None:
        yield Billed(calls[0], account, price)


def _paid_failures(recording: Recording) -> list[Paid]:
    return [one for one in paid(recording) if not one.call.left and broken_off(one.call, recording)]


def _billed_completions(recording: Recording) -> list[Billed]:
    return [b for b in _billed(recording) if b.call.upstream and not b.call.left and not broken_off(b.call, recording)]


@contract(
    "credits.nothing-delivered-nothing-charged",
    select=_paid_failures,
    systems=EVERY,
    needs=SEEN,
    source="house: theopenco/llmgateway #3505 billed failed streams in full",
    breakers=(
        "failed-plain-charged",
        *("failed-billed-in-full", "truncated-billed-by-estimate"),
        "runs-no-refund",
        "runs-stop-not-refunded",
        "workflow-refund-short",
        "workflow-timeout-not-refunded",
        "chat-abort-nothing-charged",
    ),
)
def nothing_delivered_nothing_charged(billed: Paid, _recording: Recording) -> Findings:
    """A failed call that delivered no words costs nothing."""
    if not billed.call.text and billed.charged > 0:
        yield billed.call.violation(
            f"The call failed, no words were delivered, and {billed.charged} credits were charged.", *HERE
        )


def _cut_short(recording: Recording) -> list[Billed]:
    """Streams that delivered words and did not end well: the provider failed, the client left, the target stopped."""
    return [
        billed
        for billed in _billed(recording)
        if billed.call.streamed and billed.call.text and (billed.call.left or broken_off(billed.call, recording))
    ]


@contract(
    "credits.delivered-only",
    select=_cut_short,
    systems=COMPLETIONS,
    needs=SEEN,
    source="house: theopenco/llmgateway #3505 and #3443",
    breakers=(
        *("failed-billed-in-full", "left-billed-in-full", "truncated-billed-by-estimate"),
        *("hold-kept-when-stream-breaks", "delivered-capped-by-hold"),
    ),
)
def delivered_only(billed: Billed, _recording: Recording) -> Findings:
    """A stream that broke off costs what was delivered of it, at a token for every four characters: no more, no less.

    The hold is no limit, since the client chooses it by its output limit: settling takes what is left too.
    """
    call = billed.call
    events = call.stream.events if call.stream else ()
    told = bool(call.stream and call.stream.errors) and not call.left
    characters = delivered_characters(call, [event.text for event in events if event.text], told=told)
    yield from charged_as_delivered(call, characters, billed.tariff, charged=billed.charged, granted=billed.granted)


def _tokens(billed: Billed) -> tuple[tuple[int, int], str]:
    """The (input, output) tokens that a completed call is charged for, and where they come from."""
    upstream = billed.call.upstream
    used = upstream.counted if upstream else None
    if used:
        return used, "the provider's usage"
    return token_estimate(billed.prompt_characters, len(upstream.text) if upstream else 0), "the estimate"


def _price(billed: Billed) -> int:
    """What a completed call costs by the facts."""
    return max(1, billed.tariff.price_credits(*_tokens(billed)[0]))


@contract(
    "credits.price-exact",
    select=_billed_completions,
    systems=COMPLETIONS,
    needs=SEEN,
    source="house: the pricing rule, ceil(USD x 1,000 x multiplier), at least 1 credit",
    breakers=(
        *("price-rounds-down", "free-completion", "trusts-usage", "zero-tokens-free"),
        *("multiplier-setting-ignored", "custom-multiplier-setting-ignored"),
    ),
)
def price_exact(billed: Billed, _recording: Recording) -> Findings:
    """A completed call costs its price to the credit: of the provider's usage where sane, else of the estimate.

    A charge that nobody can compute again cannot be defended to a customer.
    """
    tokens, basis = _tokens(billed)
    price = _price(billed)
    if billed.charged not in (price, min(price, billed.granted)):
        yield billed.call.violation(
            f"{tokens[0]} + {tokens[1]} tokens by {basis} cost {price} credits; {billed.charged} were charged.", *HERE
        )


def _short(recording: Recording) -> list[Billed]:
    return [b for b in _billed_completions(recording) if _price(b) > b.granted]


@contract(
    "credits.shortfall-written-down",
    select=_short,
    systems=COMPLETIONS,
    needs=SEEN,
    source="house: settling charges at most the hold plus what is left, and writes down the shortfall",
    breakers=("shortfall-forgotten", "negative-balance", "price-rounds-down"),
)
def shortfall_written_down(billed: Billed, _recording: Recording) -> Findings:
    """A call that cost more than its owner had is charged what there was, and the rest is written down.

    Somebody has to know what was given away, and to whom.
    """
    written = sum(entry.shortfall for entry in billed.account.of(Kind.SETTLE))
    missing = _price(billed) - billed.granted
    if written != missing:
        yield billed.call.violation(
            f"The call cost {_price(billed)} credits, {billed.granted} were there: {missing} are missing, "
            f"{written} written down.",
            *HERE,
        )


@contract(
    "credits.estimate-marked",
    select=_billed_completions,
    systems=COMPLETIONS,
    needs=SEEN,
    source="house: an estimate is marked as one on the usage row",
    breakers=("estimate-unmarked",),
)
def estimate_marked(billed: Billed, _recording: Recording) -> Findings:
    """A usage row says whether its tokens were counted by the provider or estimated."""
    upstream = billed.call.upstream
    counted = upstream is not None and upstream.counted is not None
    for row in billed.account.usage:
        if row.estimated is counted:
            said = "estimated" if row.estimated else "counted"
            yield billed.call.violation(
                f"The row says {said}; the provider's usage was {'sane' if counted else 'not'}.", *HERE
            )


@contract(
    "credits.usage-row-written",
    select=_billed_completions,
    systems=COMPLETIONS,
    needs=SEEN,
    source="house: settle, then write the usage row",
    breakers=("no-usage-row",),
)
def usage_row_written(billed: Billed, _recording: Recording) -> Findings:
    """A completed call has one usage row, whose credits are what was charged."""
    rows = billed.account.usage
    if len(rows) != 1:
        yield billed.call.violation(f"The completed call has {len(rows)} usage rows.", *HERE)
    elif rows[0].credits != billed.charged:
        yield billed.call.violation(
            f"The usage row says {rows[0].credits} credits, the ledger {billed.charged}.", *HERE
        )


@contract(
    "credits.hold-covers-the-call",
    select=_billed,
    systems=COMPLETIONS,
    needs=LEDGER,
    source="house: the hold is the price of the estimate, prompt plus output limit",
    breakers=("hold-too-small", "multiplier-setting-ignored", "custom-multiplier-setting-ignored"),
)
def hold_covers_the_call(billed: Billed, _recording: Recording) -> Findings:
    """The hold is the price of the prompt's estimate plus the output limit.

    Held less, a long answer runs into a shortfall; held more, a user with enough is refused.
    """
    limit = billed.call.request.max_tokens if billed.call.request else None
    wanted = billed.tariff.hold_credits(billed.prompt_characters, limit)
    for hold in billed.account.of(Kind.HOLD):
        if hold.amount != wanted:
            tokens = input_estimate(billed.prompt_characters)
            yield billed.call.violation(
                f"{tokens} + {limit or billed.tariff.default_output_tokens} tokens cost {wanted}, held: {hold.amount}.",
                *HERE,
            )


def _held(recording: Recording) -> list[Paid]:
    """Calls of accounts from which nobody held in any other way than by calling: accounting was not asked directly."""
    if any(one.operation in _DIRECT for one in recording.side(Side.CLIENT)):
        return []
    return [one for one in paid(recording) if one.account.of(Kind.HOLD)]


@contract(
    "credits.held-once",
    select=_held,
    systems=EVERY,
    needs=LEDGER,
    source="house: check, hold, settle, release, refund exactly once each",
    breakers=("held-twice", "workflow-polls-cost"),
)
def held_once(one: Paid, _recording: Recording) -> Findings:
    """One call is held for once, however it ends and however often its provider is asked.

    Credits that are held for the same call a second time are another call's meanwhile.
    """
    holds = one.account.of(Kind.HOLD)
    if len(holds) > 1:
        amounts = " and ".join(str(hold.amount) for hold in holds)
        yield one.call.violation(f"One call was held for {len(holds)} times: {amounts} credits.", *HERE)
