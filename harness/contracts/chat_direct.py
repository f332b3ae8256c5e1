"""What accounting promises to whoever ends a stream there directly: the price of the tokens that they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.ledger import Kind
from harness.core.names import Capability
from harness.core.pricing import Tariff, tariff
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting

from .calls import ledger
from .chat_calls import CHAT, asked_of, body_of, session_of, stream_calls
from .registry import Findings, contract


@dataclass(frozen=True)
class DirectEnd:
    """The end that counts of a stream that was held for directly, with who it was held for and its model's tariff."""

    exchange: Exchange
    user: str
    tariff: Tariff

    @property
    def tokens(self) -> int:
        """The tokens that are to be paid for, as the request has them."""
        field = "actualTokens" if self.finalizes else "tokensDelivered"
        found = asked_of(self.exchange).get(field)
        return found if isinstance(found, int) else 0

    @property
    def finalizes(self) -> bool:
        """Whether the stream is said to have gone well."""
        return self.exchange.operation == accounting.FINALIZE.name

    @property
    def price(self) -> int:
        """What it costs: a stream that went well something in any case, one that broke off before its words nothing."""
        least = int(self.finalizes or self.tokens > 0)
        return max(least, self.tariff.price_credits(0, self.tokens))


def direct_ends(recording: Recording) -> Iterator[DirectEnd]:
    """Of each session that a client held for at accounting itself the end that counts, where that is beyond doubt."""
    for hold in recording.side(Side.CLIENT):
        if hold.operation != accounting.INITIALIZE.name or hold.status != accounting.INITIALIZED_STATUS:
            continue
        asked = asked_of(hold)
        price = tariff(recording.header.facts, str(asked.get("modelId")))
        end = _first_end(str(asked.get("sessionId")), recording)
        if end is not None and price is not None:
            yield DirectEnd(end, str(asked.get("userId")), price)


def _first_end(session: str, recording: Recording) -> Exchange | None:
    """The end of a session's stream that was served before another one was sent."""
    clients = recording.side(Side.CLIENT)
    ends = [one for one in clients if one.operation in accounting.ENDS and session_of(one) == session]
    served = sorted((one for one in ends if one.status == 200), key=lambda one: one.request.sent_ns)
    if not served or any(one.request.sent_ns < (served[0].ended_ns or 0) for one in served[1:]):
        return None
    return served[0]


@contract(
    "credits.direct-end-priced",
    select=direct_ends,
    systems=CHAT,
    needs=[Capability.ACCOUNTS],
    source="house: finalize settles at the actual cost, abort charges what was delivered; nothing costs nothing",
    breakers=("chat-abort-nothing-charged", "chat-abort-charges-all", "chat-abort-charges-nothing"),
)
def direct_end_priced(end: DirectEnd, recording: Recording) -> Findings:
    """Who ends a stream at accounting is charged the price of the tokens that they name, and 0 tokens are free.

    `creditsUsed` says so, and where the account has no other calls, so does its ledger.
    """
    told = body_of(end.exchange).get("creditsUsed")
    if told != end.price:
        yield Violation(
            f"{end.tokens} tokens cost {end.price} credits, creditsUsed says {told!r}.", (Pointer(end.exchange.id),)
        )
        return
    account, mine = ledger(recording), [one for one in direct_ends(recording) if one.user == end.user]
    if account is None or account.user_id != end.user or mine[0].exchange.id != end.exchange.id:
        return
    wanted = sum(one.price for one in mine)
    if not stream_calls(recording) and len(mine) == len(account.of(Kind.HOLD)) and account.charged() != wanted:
        yield Violation(
            f"{len(mine)} ends cost {wanted} credits, {account.charged()} were charged.", (Pointer(probe="ledger"),)
        )
