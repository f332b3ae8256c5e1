"""What a system may do by itself when a provider fails, and what it may not."""

from __future__ import annotations

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Doubt

from .calls import Call, failures
from .registry import Findings, contract
from .scope import AGENT, EVERY
from .subjects import calls


@contract(
    "resilience.one-call-upstream",
    select=calls,
    systems=tuple(system for system in EVERY if system not in AGENT),
    needs=[Capability.PROVIDER],
    source="house: a system retries only where its page says so, and of all only the agent's does",
    breakers=("retries-provider", "runs-retries", "workflow-retries-session"),
)
def one_call_upstream(call: Call, _recording: Recording) -> Findings:
    """One call of a client is at most one call of a provider.

    A client library that retries by itself multiplies the load on a provider that is already failing, and the bill.
    A call that was turned away for its access token, before anything was done, does not count: that is renewed.
    """
    asked = [upstream for upstream in call.upstreams if not upstream.token_refused]
    if len(asked) > 1:
        yield call.violation(f"The provider was called {len(asked)} times for one call.")


def _after_outage(recording: Recording) -> list[Call]:
    """The calls made once the provider was back."""
    back = recording.mark("provider-back")
    return [] if back is None else [call for call in calls(recording) if call.client.request.sent_ns >= back.at_ns]


@contract(
    "resilience.outage-forgotten",
    select=_after_outage,
    systems=EVERY,
    needs=[Capability.PROVIDER],
    source="house: a provider that is back is asked, where no breaker has opened",
    breakers=("outage-remembered", "workflow-programme-renamed", "chat-estimate-not-sent"),
)
def outage_forgotten(call: Call, recording: Recording) -> Findings:
    """Once a provider that could not be reached is back, the next call is served.

    A connection that is kept as broken, or an address that is kept as wrong, turns a minute's outage into one that
    lasts until somebody restarts the service.
    """
    if call.left:
        yield Doubt("The client left before it could be told.")
    elif not call.succeeded and not failures(call, recording):
        said = f"{call.client.status or 'nothing'} {call.code or ''}".strip()
        asked = "was asked" if call.upstream else "was not even asked"
        yield call.violation(f"The provider is back and {asked}; the client read {said}.")
