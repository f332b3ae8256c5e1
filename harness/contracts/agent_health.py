"""What the agent's health check promises to whoever watches the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.fault import FAULTS, Reach
from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import agent

from .agent_calls import object_of
from .breaker_model import State, phase_at
from .health import store_gone
from .registry import Findings, contract
from .scope import AGENT
from .times import utc_offset_s

PROVIDER = (Capability.PROVIDER,)


def checks(recording: Recording) -> Iterator[Exchange]:
    """The agent's health checks that were answered."""
    return (e for e in recording.side(Side.CLIENT) if e.operation == agent.HEALTH.name and e.response is not None)


def _let_in(recording: Recording) -> list[Exchange]:
    return [exchange for exchange in checks(recording) if exchange.status not in (401, 403)]


@contract(
    "health.services-told",
    select=_let_in,
    systems=AGENT,
    needs=PROVIDER,
    source="house: 200 or 503, with each outside service's state",
    breakers=("agent-health-always-well", "agent-health-store-unseen"),
)
def services_told(exchange: Exchange, recording: Recording) -> Findings:
    """A health check says of the store and of each provider whether it is there, and 503 where one is not.

    One that is always well keeps traffic on a service that fails every call.
    """
    services, provider = _table(exchange, "services"), recording.header.provider or ""
    store = agent.DOWN if store_gone(exchange, recording) else agent.UP
    wanted = {"store": store, provider: agent.DOWN if _gone(exchange, recording) else agent.UP}
    wrong = [
        f"{name} {services.get(name)!r} for {state!r}" for name, state in wanted.items() if services.get(name) != state
    ]
    if agent.DOWN in wanted.values() and exchange.status != agent.DEGRADED[1]:
        wrong.append(f"{exchange.status} for {agent.DEGRADED[1]}")
    if utc_offset_s(object_of(exchange.body).get("timestamp")) != 0:
        wrong.append("a timestamp that is no time in UTC")
    if wrong:
        yield Violation(f"The health check said {', '.join(wrong)}.", (Pointer(exchange.id),))


@contract(
    "health.breakers-told",
    select=_let_in,
    systems=AGENT,
    needs=PROVIDER,
    source="house: each breaker's state: closed, open, half_open",
    breakers=(
        *("agent-health-breakers-closed", "agent-health-always-well", "agent-health-store-unseen"),
        *("agent-breaker-counts-all", "agent-breaker-never-closes"),
        *("agent-breaker-never-half-opens", "agent-breaker-never-opens"),
    ),
)
def breakers_told(exchange: Exchange, recording: Recording) -> Findings:
    """A health check says of each breaker what it is, and 503 while one is not closed.

    An open breaker is an outage that looks like a quick service.
    """
    phase, provider = phase_at(recording, exchange.request.sent_ns), recording.header.provider or ""
    wanted = phase.state if phase else State.CLOSED
    said = _table(exchange, "breakers").get(provider)
    if said != wanted.value:
        yield Violation(
            f"The breaker of {provider} was {wanted.value}, the health check said {said!r}.", (Pointer(exchange.id),)
        )
    well = wanted is State.CLOSED and not _gone(exchange, recording) and not store_gone(exchange, recording)
    status, code = agent.HEALTHY if well else agent.DEGRADED
    if (object_of(exchange.body).get("status"), exchange.status) != (status, code):
        yield Violation(f"The health check was {exchange.status}, not {code} {status!r}.", (Pointer(exchange.id),))


@contract(
    "health.open-to-all",
    select=checks,
    systems=AGENT,
    source="house: for whoever watches the service",
    breakers=("agent-health-needs-token",),
)
def open_to_all(exchange: Exchange, _recording: Recording) -> Findings:
    """The agent's health check is answered without a token: load balancers have none."""
    if exchange.status in (401, 403):
        yield Violation(f"A health check without a token was answered by {exchange.status}.", (Pointer(exchange.id),))


def _gone(exchange: Exchange, recording: Recording) -> bool:
    """Whether the provider could not be reached when the check was asked for."""
    fault = FAULTS.get(recording.header.fault)
    down, back = recording.mark("provider-down"), recording.mark("provider-back")
    sent_ns = exchange.request.sent_ns
    gone = down is not None and down.at_ns <= sent_ns and (back is None or sent_ns < back.at_ns)
    return gone or (fault is not None and fault.reach is not Reach.OK)


def _table(exchange: Exchange, name: str) -> dict[str, Any]:
    found = object_of(exchange.body).get(name)
    return found if isinstance(found, dict) else {}
