"""What chat and its accounting promise about credits: estimated, held, settled once, and at the right price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.ledger import Kind, Ledger
from harness.core.names import Capability
from harness.core.pricing import Tariff, input_estimate, tariff, token_estimate
from harness.core.recording import Exchange, Json, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting

from .calls import accounted, broken_off, failures, ledger
from .chat_calls import (
    CHAT,
    StreamCall,
    asked_of,
    body_of,
    deleted_meanwhile,
    service_failed,
    session_of,
    stream_calls,
)
from .delivered import charged_as_delivered, delivered_characters
from .registry import Findings, contract

LEDGER = (Capability.LEDGER,)
SEEN = (Capability.LEDGER, Capability.PROVIDER)
HERE = (Pointer(probe="ledger"),)


@dataclass(frozen=True)
class Billed:
    """The only stream of an account, with the tariff of its model."""

    call: StreamCall
    account: Ledger
    tariff: Tariff

    @property
    def charged(self) -> int:
        """Credits charged and not refunded."""
        return self.account.charged()

    @property
    def granted(self) -> int:
        """Credits that were ever put in: more than that cannot be charged."""
        return sum(entry.amount for entry in self.account.of(Kind.GRANT))

    @property
    def price(self) -> int:
        """What the stream costs if it went well: by the tokens that the provider counted, else by the estimate."""
        return max(1, self.tariff.price_credits(*self.tokens))

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens in and out that a stream which went well is charged for."""
        upstream = self.call.upstream
        counted = upstream.counted if upstream else None
        return counted or token_estimate(self.call.prompt_characters, len(upstream.text) if upstream else 0)


def billed(recording: Recording) -> Iterator[Billed]:
    """The stream of an account, where there is just one."""
    account, made = ledger(recording), accounted(stream_calls(recording), recording)
    if account is None or len(made) != 1 or made[0].asked_model is None:
        return
    price = tariff(recording.header.facts, made[0].asked_model)
    if price is not None:
        yield Billed(made[0], account, price)


def _completed(recording: Recording) -> list[Billed]:
    if service_failed(recording):
        return []
    return [one for one in billed(recording) if one.call.succeeded and not failures(one.call, recording)]


@contract(
    "credits.chat-price-exact",
    select=_completed,
    systems=CHAT,
    needs=SEEN,
    source="house: the hold settles at the actual cost, the rest is released",
    breakers=("chat-settles-the-estimate", "trusts-usage"),
)
def chat_price_exact(one: Billed, _recording: Recording) -> Findings:
    """A stream that went well costs the price of its tokens: those that the provider counted, else the estimate.

    What was held for was a guess at the worst; who is charged the guess pays ten times the answer.
    """
    if one.charged not in (one.price, min(one.price, one.granted)):
        yield one.call.violation(
            f"{sum(one.tokens)} tokens cost {one.price} credits; {one.charged} were charged.", *HERE
        )


def _short(recording: Recording) -> list[Billed]:
    return [one for one in _completed(recording) if one.price > one.granted]


@contract(
    "credits.chat-shortfall-written-down",
    select=_short,
    systems=CHAT,
    needs=SEEN,
    source="house: settling charges at most the hold plus what is left, and writes down the shortfall",
    breakers=("shortfall-forgotten", "negative-balance"),
)
def chat_shortfall_written_down(one: Billed, _recording: Recording) -> Findings:
    """A stream that cost more than its owner had is charged what there was, and the rest is written down.

    The hold follows the client's own estimate: who estimates one token is not given the rest unseen.
    """
    written = sum(entry.shortfall for entry in one.account.of(Kind.SETTLE))
    missing = one.price - one.granted
    if written != missing:
        yield one.call.violation(
            f"The stream cost {one.price} credits, {one.granted} were there: {missing} are missing, "
            f"{written} written down.",
            *HERE,
        )


@contract(
    "credits.chat-credits-used-true",
    select=_completed,
    systems=CHAT,
    needs=LEDGER,
    source="house: done carries creditsUsed",
    breakers=("chat-credits-used-wrong",),
)
def chat_credits_used_true(one: Billed, _recording: Recording) -> Findings:
    """The `creditsUsed` of a stream's end is what its account was charged."""
    done = one.call.done
    said = done.data.get("creditsUsed") if done is not None and isinstance(done.data, dict) else None
    if said != one.charged:
        yield one.call.violation(f"The owner read {said!r}, the account was charged {one.charged}.", *HERE)


def _cut_short(recording: Recording) -> list[Billed]:
    if service_failed(recording):
        return []
    return [one for one in billed(recording) if one.call.streamed and one.call.text and _ended_early(one, recording)]


def _ended_early(one: Billed, recording: Recording) -> bool:
    """The owner left, the provider failed, the target was stopped, or the session was deleted under the stream."""
    deleted = one.call.error is not None and deleted_meanwhile(one.call, recording)
    return one.call.left or deleted or broken_off(one.call, recording)


@contract(
    "credits.chat-delivered-only",
    select=_cut_short,
    systems=CHAT,
    needs=SEEN,
    source="house: what was delivered is charged, the rest is released; theopenco/llmgateway #3505",
    breakers=(
        "chat-abort-charges-all",
        "chat-abort-charges-nothing",
        "chat-delivered-capped-by-hold",
        "chat-hold-kept-when-owner-leaves",
        "chat-stop-cuts-streams",
    ),
)
def chat_delivered_only(one: Billed, _recording: Recording) -> Findings:
    """A stream that broke off costs what was delivered of it, at a token for every four characters: no more, no less.

    The hold is no limit, since the client chooses it: settling takes what is left too.
    """
    pieces = [event.text for event in one.call.events if event.text]
    told = one.call.error is not None and not one.call.left
    characters = delivered_characters(one.call, pieces, told=told)
    yield from charged_as_delivered(one.call, characters, one.tariff, charged=one.charged, granted=one.granted)


def _held(recording: Recording) -> list[Billed]:
    return [one for one in billed(recording) if one.account.of(Kind.HOLD)]


@contract(
    "credits.chat-held-for-estimate",
    select=_held,
    systems=CHAT,
    needs=LEDGER,
    source="house: the hold is the price of the estimate, characters / 4 plus the output limit",
    breakers=("chat-hold-too-small",),
)
def chat_held_for_estimate(one: Billed, _recording: Recording) -> Findings:
    """What is held is the price of the estimate, output limit and all: a hold that is too small holds nothing back."""
    wanted = max(1, one.tariff.price_credits(*_estimate(one.call, one.tariff.default_output_tokens)))
    for hold in one.account.of(Kind.HOLD):
        if hold.amount != wanted:
            yield one.call.violation(f"The estimate costs {wanted} credits, {hold.amount} were held.", *HERE)


def _estimate(call: StreamCall, output_limit: int) -> tuple[int, int]:
    """Tokens in and out to hold for; the client's own estimate, where it gave one, counts as out."""
    given = (call.asked or {}).get("estimatedTokens")
    if isinstance(given, int) and not isinstance(given, bool):
        return 0, given
    return input_estimate(call.prompt_characters), output_limit


def _initialized(recording: Recording) -> list[Exchange]:
    return [e for e in recording.side(Side.SERVICE) if e.operation == accounting.INITIALIZE.name]


@contract(
    "credits.estimate-always-sent",
    select=_initialized,
    systems=CHAT,
    source="house: estimatedTokens absent, the service estimates and always sends it",
    breakers=("chat-estimate-not-sent", "chat-hold-too-small"),
)
def estimate_always_sent(exchange: Exchange, recording: Recording) -> Findings:
    """Accounting is told every field of a hold, with the client's estimate of the tokens or, without one, chat's own.

    Left out, it is answered by 400, and every stream of a client that does not estimate fails with it.
    """
    asked = asked_of(exchange)
    lacking = [field for field in accounting.INITIALIZE_FIELDS if asked.get(field) is None]
    here = (Pointer(exchange.id, at_ns=exchange.request.sent_ns),)
    if lacking:
        yield Violation(f"Accounting was asked to initialize without {', '.join(lacking)}.", here)
        return
    limit = int(recording.header.facts.get("numbers", {}).get("default_output_tokens", 2000))
    same = [call for call in stream_calls(recording) if call.session == asked["sessionId"]]
    wanted = {sum(_estimate(call, limit)) for call in same}
    if wanted and asked["estimatedTokens"] not in wanted:
        told = " or ".join(map(str, sorted(wanted)))
        yield Violation(f"The estimate is {told} tokens, accounting was told {asked['estimatedTokens']!r}.", here)


def _settlements(recording: Recording) -> Iterator[tuple[str, list[Exchange]]]:
    """The sessions that clients of accounting ended more than once, each with the ends."""
    ended: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in recording.side(Side.CLIENT):
        session = session_of(exchange)
        if exchange.operation in accounting.ENDS and session is not None and exchange.tie is None:
            ended[session].append(exchange)
    return ((session, ends) for session, ends in ended.items() if len(ends) > 1)


@contract(
    "credits.settled-once-told-the-same",
    select=_settlements,
    systems=CHAT,
    needs=[Capability.ACCOUNTS],
    source="house: again, same answer, no second charge; elizaOS/eliza #11484, #11696",
    breakers=("chat-finalize-not-idempotent",),
)
def settled_once_told_the_same(subject: tuple[str, list[Exchange]], _recording: Recording) -> Findings:
    """Whoever finalizes or aborts a stream again, or at the same time, reads what the first one came to.

    Who got no answer asks again; a refund and a late settlement meet. One of them counts, and all are told the same.
    """
    session, ends = subject
    here = tuple(Pointer(one.id, at_ns=one.ended_ns) for one in ends)
    statuses = {one.status for one in ends}
    answers: set[Json] = {body_of(one).get("creditsUsed") for one in ends}
    if statuses != {200}:
        yield Violation(f"The ends of {session} were answered by {sorted(map(str, statuses))}.", here)
    elif len(answers) != 1:
        yield Violation(f"The ends of {session} cost {sorted(map(str, answers))}.", here)


def _accounts(recording: Recording) -> Iterator[tuple[Ledger, int]]:
    account = ledger(recording)
    told: dict[str, int] = {}
    for session, ends in _settlements(recording):
        used = body_of(ends[0]).get("creditsUsed")
        if isinstance(used, int):
            told[session] = used
    if account is not None and told:
        yield account, sum(told.values())


@contract(
    "credits.charged-as-told",
    select=_accounts,
    systems=CHAT,
    needs=LEDGER,
    source="house: no second charge",
    breakers=("chat-finalize-charges-twice", "chat-end-racy"),
)
def charged_as_told(subject: tuple[Ledger, int], _recording: Recording) -> Findings:
    """However often streams are finalized and aborted, their account is charged what the first answers said."""
    account, told = subject
    if account.charged() != told:
        yield Violation(f"The answers add up to {told} credits, {account.charged()} were charged.", HERE)
