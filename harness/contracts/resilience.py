"""What a system may do by itself when a provider fails, and what it may not."""

from __future__ import annotations

from harness.core.names import Capability
from harness.core.recording import Recording

from .calls import Call
from .registry import Findings, contract
from .subjects import calls

BOTH = ("gateway", "runs")


@contract(
    "resilience.one-call-upstream",
    select=calls,
    systems=BOTH,
    needs=[Capability.PROVIDER],
    source="house: a system retries only where its page says so, and neither of these does",
    breakers=("retries-provider", "runs-retries"),
)
def one_call_upstream(call: Call, _recording: Recording) -> Findings:
    """One call of a client is at most one call of a provider.

    A client library that retries by itself multiplies the load on a provider that is already failing, and the bill.
    """
    if len(call.upstreams) > 1:
        yield call.violation(f"The provider was called {len(call.upstreams)} times for one call.")
