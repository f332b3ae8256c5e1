"""What is left when a call is over: nothing."""

from __future__ import annotations

from harness.core.names import Capability
from harness.core.recording import STILL_OPEN, Ending, Recording
from harness.core.verdict import Doubt, Pointer, Violation

from .calls import Call
from .registry import Findings, contract
from .scope import EVERY
from .subjects import calls, left

COUNTED = ("tasks", "threads", "fds", "sockets", "provider_connections", "client_sessions")


def _left_while_held(recording: Recording) -> list[Call]:
    return [call for call in left(recording) if call.upstream is not None]


@contract(
    "cleanup.provider-call-cancelled",
    select=_left_while_held,
    systems=EVERY,
    needs=[Capability.PROVIDER],
    source="house: BerriAI/litellm #17364 and #33736",
    breakers=("client-gone-runs-on", "workflow-polls-after-client-left", "chat-owner-gone-runs-on"),
)
def provider_call_cancelled(call: Call, _recording: Recording) -> Findings:
    """When the client leaves, the provider's call is cancelled.

    The provider goes on writing words that nobody reads, and bills every one of them.
    """
    upstream = call.upstream
    if upstream is None:
        return
    if upstream.exchange.error == STILL_OPEN:
        yield call.violation("The client left, and the provider's exchange was open to the end of the recording.")
    elif upstream.exchange.ending is not Ending.CLIENT_CLOSE:
        yield call.violation(
            f"The client left; the provider's exchange went on and ended by {upstream.exchange.ending.value}."
        )


def _loads(recording: Recording) -> list[tuple[int, dict[str, int], dict[str, int]]]:
    before, after = recording.probe("resources-before"), recording.probe("resources-after")
    if before is None or after is None:
        return []
    return [(len(list(calls(recording))) // 2, before.data, after.data)]


@contract(
    "cleanup.nothing-leaks",
    select=_loads,
    systems=EVERY,
    needs=[Capability.RESOURCES],
    source="house: open-webui/open-webui #20889",
    breakers=("session-per-stream", "task-left-behind", "chat-session-per-stream", "session-kept-when-stream-breaks"),
)
def nothing_leaks(subject: tuple[int, dict[str, int], dict[str, int]], _recording: Recording) -> Findings:
    """The same load a second time leaves no more tasks, sockets, descriptors or sessions than the first.

    What grows with the number of calls grows until the process falls over. A growth that is less than one for every
    two calls is no leak of the calls, and is left undecided.
    """
    load, before, after = subject
    for name in COUNTED:
        grown = int(after.get(name, 0)) - int(before.get(name, 0))
        where = (Pointer(probe="resources-before"), Pointer(probe="resources-after"))
        if grown * 2 >= load:
            yield Violation(
                f"{load} more calls left {grown} more {name} ({before.get(name)}, then {after.get(name)}).", where
            )
        elif grown > 0:
            yield Doubt(f"{load} more calls left {grown} more {name}: too few to be one a call.", where)
