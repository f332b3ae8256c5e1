"""What a health check promises to whoever watches the service."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.fault import FAULTS, Reach
from harness.core.ledger import Kind, Ledger
from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import agent, runs

from .calls import ledger
from .registry import Findings, contract
from .run_calls import body_object, health_checks
from .times import utc_offset_s

RUNS = ("runs",)
DENIED = (401, 403)
CHECKS = frozenset({runs.HEALTH.name, agent.HEALTH.name})


def store_gone(exchange: Exchange, recording: Recording) -> bool:
    """Whether the store had been taken away when the check was asked for."""
    down, back = recording.mark("store-down"), recording.mark("store-back")
    sent_ns = exchange.request.sent_ns
    return down is not None and down.at_ns <= sent_ns and (back is None or sent_ns < back.at_ns)


def _let_in(recording: Recording) -> Iterator[Exchange]:
    return (exchange for exchange in health_checks(recording) if exchange.status not in DENIED)


@contract(
    "health.tells-the-truth",
    select=_let_in,
    systems=RUNS,
    needs=[Capability.PROVIDER],
    source="house: 200 ok, or 503 degraded and which part is down",
    breakers=("runs-health-always-ok", "runs-health-store-unseen"),
)
def tells_the_truth(exchange: Exchange, recording: Recording) -> Findings:
    """A health check says `ok` and 200 where all parts are there, `degraded` and 503 where one is not, and which.

    One that is always well keeps traffic on a service that fails every run, and wakes up nobody.
    """
    body, provider = body_object(exchange), _provider_state(exchange, recording)
    store = runs.DISCONNECTED if store_gone(exchange, recording) else runs.CONNECTED
    status, code = runs.HEALTHY if {store, provider} == {runs.CONNECTED} else runs.DEGRADED
    wanted = {"status": status, "supabase": store, "openai": provider}
    wrong = [f"{name} {body.get(name)!r} for {value!r}" for name, value in wanted.items() if body.get(name) != value]
    if utc_offset_s(body.get("timestamp")) != 0:
        wrong.append(f"a timestamp that is no time in UTC ({body.get('timestamp')!r})")
    if exchange.status != code:
        wrong.append(f"status {exchange.status} for {code}")
    if wrong:
        where = Pointer(exchange.id, start=0, end=len(exchange.body), at_ns=exchange.ended_ns)
        was = f"The provider was {provider}, the store {store}"
        yield Violation(f"{was}; the health check said {', '.join(wrong)}.", (where,))


def _provider_state(exchange: Exchange, recording: Recording) -> str:
    """Whether the provider could be reached when the check was asked for."""
    fault = FAULTS.get(recording.header.fault)
    down, back = recording.mark("provider-down"), recording.mark("provider-back")
    sent_ns = exchange.request.sent_ns
    gone = down is not None and down.at_ns <= sent_ns and (back is None or sent_ns < back.at_ns)
    return runs.DISCONNECTED if gone or (fault and fault.reach is not Reach.OK) else runs.CONNECTED


@contract(
    "health.needs-no-token",
    select=health_checks,
    systems=RUNS,
    source="house: for whoever watches the service",
    breakers=("runs-health-needs-token",),
)
def needs_no_token(exchange: Exchange, _recording: Recording) -> Findings:
    """A health check is answered without a token: load balancers have none."""
    if exchange.status in DENIED:
        yield Violation(f"A health check without a token was answered by {exchange.status}.", (Pointer(exchange.id),))


def _only_checks(recording: Recording) -> Iterator[Ledger]:
    """The account of a user who did nothing but ask how the service is."""
    account, asked = ledger(recording), list(recording.side(Side.CLIENT))
    if account is not None and asked and all(exchange.operation in CHECKS for exchange in asked):
        yield account


@contract(
    "health.costs-nothing",
    select=_only_checks,
    systems=("runs", "agent"),
    needs=[Capability.LEDGER],
    source="house: no charge",
    breakers=("health-charges",),
)
def costs_nothing(account: Ledger, _recording: Recording) -> Findings:
    """A health check leaves no mark on an account, whoever asks: it is asked for every few seconds, day and night."""
    touched = [entry for entry in account.entries if entry.kind is not Kind.GRANT]
    if touched:
        yield Violation(f"Health checks left {len(touched)} ledger entries.", (Pointer(probe="ledger"),))
