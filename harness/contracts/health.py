"""What a health check promises to whoever watches the service."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.fault import FAULTS, Reach
from harness.core.names import Capability
from harness.core.recording import Exchange, Recording
from harness.core.verdict import Pointer, Violation
from harness.systems import runs

from .registry import Findings, contract
from .run_calls import body_object, health_checks
from .times import utc_offset_s

RUNS = ("runs",)
DENIED = (401, 403)


def _let_in(recording: Recording) -> Iterator[Exchange]:
    return (exchange for exchange in health_checks(recording) if exchange.status not in DENIED)


@contract(
    "health.tells-the-truth",
    select=_let_in,
    systems=RUNS,
    needs=[Capability.PROVIDER],
    source="house: 200 ok, or 503 degraded and which part is down",
    breakers=("runs-health-always-ok",),
)
def tells_the_truth(exchange: Exchange, recording: Recording) -> Findings:
    """A health check says `ok` and 200 where all parts are there, `degraded` and 503 where one is not, and which.

    One that is always well keeps traffic on a service that fails every run, and wakes up nobody.
    """
    body, provider = body_object(exchange), _provider_state(exchange, recording)
    status, code = runs.HEALTHY if provider == runs.CONNECTED else runs.DEGRADED
    wanted = {"status": status, "supabase": runs.CONNECTED, "openai": provider}
    wrong = [f"{name} {body.get(name)!r} for {value!r}" for name, value in wanted.items() if body.get(name) != value]
    if utc_offset_s(body.get("timestamp")) != 0:
        wrong.append(f"a timestamp that is no time in UTC ({body.get('timestamp')!r})")
    if exchange.status != code:
        wrong.append(f"status {exchange.status} for {code}")
    if wrong:
        where = Pointer(exchange.id, start=0, end=len(exchange.body), at_ns=exchange.ended_ns)
        yield Violation(f"The provider was {provider}; the health check said {', '.join(wrong)}.", (where,))


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
