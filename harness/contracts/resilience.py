"""What a system may do by itself when a provider fails, and what it may not."""

from __future__ import annotations

from harness.core.names import Capability
from harness.core.recording import Recording

from .calls import ChatCall
from .registry import Findings, contract
from .subjects import calls

GATEWAY = ("gateway",)


@contract(
    "resilience.one-call-upstream",
    select=calls,
    systems=GATEWAY,
    needs=[Capability.PROVIDER],
    source="house: a system retries only where its page says so, and the gateway's does not",
    breakers=("retries-provider",),
)
def one_call_upstream(call: ChatCall, _recording: Recording) -> Findings:
    """One call of a client is at most one call of a provider.

    A client library that retries by itself multiplies the load on a provider that is already failing, and the bill.
    """
    if len(call.upstreams) > 1:
        yield call.violation(f"The provider was called {len(call.upstreams)} times for one call.")
