"""What is promised to those who are nobody: a refusal that says how, at nobody's expense, and lists of models."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.ledger import Kind, Ledger
from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting, chat, gateway, runs, workflow

from .calls import ledger
from .registry import Findings, contract
from .scope import EVERY, STREAMED
from .subjects import Sent, answers, sent

LISTS = frozenset({gateway.MODELS.name, chat.MODELS.name})
PAID = frozenset({gateway.CHAT.name, runs.RUN.name, workflow.PLAN.name, chat.STREAM.name, accounting.INITIALIZE.name})
"""The calls that place a hold."""


def whole(exchange: Exchange) -> tuple[Pointer, ...]:
    """Points at all of an answer."""
    return (Pointer(exchange.id, start=0, end=len(exchange.body), at_ns=exchange.ended_ns),)


def _bad_tokens(recording: Recording) -> list[Sent]:
    return list(sent(recording, "bad-token"))


@contract(
    "errors.bad-token-refused",
    select=_bad_tokens,
    systems=EVERY,
    source="RFC 7519, 4.1.4 exp and 4.1.5 nbf; RFC 8725, 3.1: algorithms are verified, none is refused",
    breakers=(
        *("expired-token-accepted", "unsigned-token-accepted", "early-token-accepted", "foreign-token-accepted"),
        *("gateway-guests-refused-for-credit", "workflow-guests-refused-for-credit", "runs-project-names-caller"),
        *("chat-observe-open", "chat-accounting-end-open", "agent-messages-open"),
    ),
)
def bad_token_refused(subject: Sent, _recording: Recording) -> Findings:
    """A token that is missing, garbage, expired, too early, unsigned or signed by another key opens nothing: 401."""
    if subject.exchange.status != 401:
        yield Violation(
            f"A {subject.kind} token was answered by {subject.exchange.status or 'nothing'}.", whole(subject.exchange)
        )


def _unauthorized(recording: Recording) -> list[Exchange]:
    return [exchange for exchange in answers(recording) if exchange.status == 401]


@contract(
    "errors.www-authenticate",
    select=_unauthorized,
    systems=EVERY,
    source="RFC 9110, 15.5.2: a 401 MUST carry WWW-Authenticate",
    breakers=("no-www-authenticate",),
)
def www_authenticate(exchange: Exchange, _recording: Recording) -> Findings:
    """A 401 says by `WWW-Authenticate` how to authenticate."""
    if exchange.response is not None and not exchange.response.header("www-authenticate"):
        yield Violation("A 401 came without WWW-Authenticate.", whole(exchange))


def _lists_for_all(recording: Recording) -> Iterator[Exchange]:
    for exchange in recording.side(Side.CLIENT):
        if exchange.operation in LISTS and exchange.response and exchange.request.header("authorization") is None:
            yield exchange


@contract(
    "models.open-to-all",
    select=_lists_for_all,
    systems=STREAMED,
    source="house: authentication everywhere but on health and model lists",
    breakers=("models-need-token",),
)
def open_to_all(exchange: Exchange, _recording: Recording) -> Findings:
    """The list of models is answered without a token: what there is to choose from is shown before anybody signs in."""
    if exchange.status in (401, 403):
        yield Violation(f"A list of models without a token was answered by {exchange.status}.", (Pointer(exchange.id),))


def _accounts(recording: Recording) -> Iterator[tuple[Ledger, int]]:
    """The account of whoever the bad tokens name, and how many calls were let in that place a hold."""
    account = ledger(recording)
    if account is not None and recording.mark("bad-token") is not None:
        clients = [one for one in recording.side(Side.CLIENT) if one.operation in PAID]
        yield account, sum(one.status != 401 for one in clients)


@contract(
    "credits.bad-token-free",
    select=_accounts,
    systems=EVERY,
    needs=[Capability.LEDGER],
    source="house: authenticate, then hold",
    breakers=("charges-before-token", "chat-accounting-holds-before-token", "held-twice"),
)
def bad_token_free(subject: tuple[Ledger, int], _recording: Recording) -> Findings:
    """A request with a bad token holds and charges nothing: there are no more holds than calls that were let in.

    Anybody can write another's name into a token that nobody signed.
    """
    account, let_in = subject
    holds = account.of(Kind.HOLD)
    if len(holds) > let_in:
        yield Violation(f"{let_in} calls were let in, and {len(holds)} holds placed.", (Pointer(probe="ledger"),))
