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

from .calls import broken_off, failures, ledger
from .chat_calls import CHAT, StreamCall, asked_of, body_of, service_failed, session_of, stream_calls
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


def _billed(recording: Recording) -> Iterator[Billed]:
    account, made = ledger(recording), stream_calls(recording)
    if account is None or len(made) != 1 or made[0].asked_model is None:
        return
    price = tariff(recording.header.facts, made[0].asked_model)
    if price is not None:
        yield Billed(made[0], account, price)


def _completed(recording: Recording) -> list[Billed]:
    if service_failed(recording):
        return []
    return [one for one in _billed(recording) if one.call.succeeded and not failures(one.call, recording)]


@contract(
    "credits.chat-price-exact",
    select=_completed,
    systems=CHAT,
    needs=SEEN,
    source="house: the hold settles at the actual cost, the rest is released",
    breakers=("chat-settles-the-estimate",),
)
def chat_price_exact(billed: Billed, _recording: Recording) -> Findings:
    """A stream that went well costs the price of its tokens: those that the provider counted, else the estimate.

    What was held for was a guess at the worst; who is charged the guess pays ten times the answer.
    """
    upstream = billed.call.upstream
    counted = upstream.counted if upstream else None
    words = len(upstream.text) if upstream else 0
    tokens = counted or token_estimate(billed.call.prompt_characters, words)
    price = max(1, billed.tariff.price_credits(*tokens))
    if billed.charged != price:
        yield billed.call.violation(f"{sum(tokens)} tokens cost {price} credits; {billed.charged} were charged.", *HERE)


@contract(
    "credits.chat-credits-used-true",
    select=_completed,
    systems=CHAT,
    needs=LEDGER,
    source="house: done carries creditsUsed",
    breakers=("chat-credits-used-wrong",),
)
def chat_credits_used_true(billed: Billed, _recording: Recording) -> Findings:
    """The `creditsUsed` of a stream's end is what its account was charged."""
    done = billed.call.done
    said = done.data.get("creditsUsed") if done is not None and isinstance(done.data, dict) else None
    if said != billed.charged:
        yield billed.call.violation(f"The owner read {said!r}, the account was charged {billed.charged}.", *HERE)


def _cut_short(recording: Recording) -> list[Billed]:
    return [
        one
        for one in _billed(recording)
        if one.call.streamed and one.call.text and (one.call.left or broken_off(one.call, recording))
    ]


@contract(
    "credits.chat-delivered-only",
    select=_cut_short,
    systems=CHAT,
    needs=SEEN,
    source="house: what was delivered is charged, the rest is released; theopenco/llmgateway #3505",
    breakers=(
        *("chat-abort-charges-all", "chat-abort-charges-nothing", "chat-hold-kept-when-owner-leaves"),
        "chat-stop-cuts-streams",
    ),
)
def chat_delivered_only(billed: Billed, _recording: Recording) -> Findings:
    """A stream that broke off costs what was delivered of it, at a token for every four characters, and not nothing."""
    upstream = billed.call.upstream
    sent = max(len(upstream.text) if upstream else 0, len(billed.call.text))
    most = max(1, billed.tariff.price_credits(0, -(-sent // 4)))
    if billed.charged > most:
        yield billed.call.violation(
            f"{sent} characters were delivered, which cost {most} credits; {billed.charged} were charged.", *HERE
        )
    elif billed.charged < 1:
        yield billed.call.violation(f"{len(billed.call.text)} characters were delivered, nothing was charged.", *HERE)


def _held(recording: Recording) -> list[Billed]:
    return [one for one in _billed(recording) if one.account.of(Kind.HOLD)]


@contract(
    "credits.chat-held-for-estimate",
    select=_held,
    systems=CHAT,
    needs=LEDGER,
    source="house: the hold is the price of the estimate, characters / 4 plus the output limit",
    breakers=("chat-hold-too-small",),
)
def chat_held_for_estimate(billed: Billed, _recording: Recording) -> Findings:
    """What is held is the price of the estimate, output limit and all: a hold that is too small holds nothing back."""
    wanted = max(1, billed.tariff.price_credits(*_estimate(billed.call, billed.tariff.default_output_tokens)))
    for hold in billed.account.of(Kind.HOLD):
        if hold.amount != wanted:
            yield billed.call.violation(f"The estimate costs {wanted} credits, {hold.amount} were held.", *HERE)


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
    breakers=("chat-finalize-charges-twice",),
)
def charged_as_told(subject: tuple[Ledger, int], _recording: Recording) -> Findings:
    """However often streams are finalized and aborted, their account is charged what the first answers said."""
    account, told = subject
    if account.charged() != told:
        yield Violation(f"The answers add up to {told} credits, {account.charged()} were charged.", HERE)
