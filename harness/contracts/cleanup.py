"""What is left when a call is over: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.names import Capability
from harness.core.race import END_RACED
from harness.core.recording import STILL_OPEN, Ending, Exchange, Recording, Side
from harness.core.verdict import Doubt, Pointer, Violation
from harness.systems import chat

from .calls import Call, stopped_meanwhile
from .chat_calls import StreamCall, session_of
from .registry import Findings, contract
from .scope import EVERY
from .subjects import calls, left

LET_GO_NS = 5_000_000_000
"""How long a connection may outlive what it was for: many times what closing one takes, on any machine."""
LEFT_NS = 2_000_000_000
"""How long a provider's call may outlive the client that it was for: many times what cancelling one takes."""
COUNTED = ("tasks", "threads", "fds", "sockets", "provider_connections", "client_sessions", "in_flight")
KINDS = "kinds"
"""The mark that says of how many kinds the calls of a load are, where they are of several and take turns."""
LEAST = 2
"""So many more are a leak: one may be a connection that was made a moment earlier."""


def _left_while_held(recording: Recording) -> list[Call]:
    """Calls that were left while their provider was held; not those that it ended at the same moment."""
    raced = {mark.data["tie"] for mark in recording.marks if mark.name == END_RACED}
    return [call for call in left(recording) if call.upstream is not None and call.client.tie not in raced]


@contract(
    "cleanup.provider-call-cancelled",
    select=_left_while_held,
    systems=EVERY,
    needs=[Capability.PROVIDER],
    source="house: BerriAI/litellm #17364 and #33736",
    breakers=(
        *("client-gone-runs-on", "client-gone-lingers"),
        *("workflow-polls-after-client-left", "chat-owner-gone-runs-on"),
    ),
)
def provider_call_cancelled(call: Call, _recording: Recording) -> Findings:
    """When the client leaves, the provider's call is cancelled: soon, not when the provider speaks next.

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
    elif (late_ns := upstream.exchange.ended_ns - call.client.ended_ns) > LEFT_NS:
        yield call.violation(f"The client left; the provider's call was cancelled {late_ns / 1e9:.1f} s later.")


@dataclass(frozen=True)
class Asking:
    """A provider's exchange, and the call that it is of, whose client stayed."""

    call: Call
    exchange: Exchange


def _asked(recording: Recording) -> Iterator[Asking]:
    """All of them: which of two ends one that the target gives up is a race, and so nothing to choose by.

    What a stop or a deletion may have ended has contracts of its own.
    """
    for call in calls(recording):
        if not (call.left or stopped_meanwhile(call, recording) or _deleted(call, recording)):
            for upstream in call.upstreams:
                if upstream.exchange.ending is not Ending.CONNECT_ERROR:
                    yield Asking(call, upstream.exchange)


def _deleted(call: Call, recording: Recording) -> bool:
    """Whether somebody asked for the deletion of the session that the call is in, before it was over."""
    return isinstance(call, StreamCall) and any(
        one.operation == chat.DELETE.name
        and session_of(one) == call.session
        and one.request.sent_ns <= call.client.ended_ns
        for one in recording.side(Side.CLIENT)
    )


@contract(
    "cleanup.silent-provider-let-go",
    select=_asked,
    systems=EVERY,
    needs=[Capability.PROVIDER],
    source="house: a time limit ends the call that it is for",
    breakers=("stalled-call-kept", "chat-stalled-call-kept", "workflow-stalled-call-kept"),
)
def silent_provider_let_go(subject: Asking, _recording: Recording) -> Findings:
    """No exchange with a provider outlives its call by long: one that is given up for its silence is closed soon.

    So is one that is given up for what it said. The client was told long ago. Connections that are kept to a provider
    that hangs are used up one by one, and then the service hangs too.
    """
    call, exchange = subject.call, subject.exchange
    late_ns = exchange.ended_ns - call.client.ended_ns
    if exchange.error == STILL_OPEN:
        yield call.violation("The client was told, and the provider's exchange was open to the end of the recording.")
    elif late_ns > LET_GO_NS:
        yield call.violation(f"The provider's connection was closed {late_ns / 1e9:.1f} s after the client was told.")


@dataclass(frozen=True)
class Load:
    """Two like loads: how many calls were in one of them and of how many kinds, and what was held after each."""

    calls: int
    kinds: int
    before: dict[str, int]
    after: dict[str, int]

    @property
    def alike(self) -> int:
        """Calls of one kind."""
        return self.calls // self.kinds


def _loads(recording: Recording) -> list[Load]:
    before, after = recording.probe("resources-before"), recording.probe("resources-after")
    if before is None or after is None:
        return []
    mark = recording.mark(KINDS)
    kinds = 1 if mark is None else int(mark.data["kinds"])
    return [Load(len(list(calls(recording))) // 2, kinds, before.data, after.data)]


@contract(
    "cleanup.nothing-leaks",
    select=_loads,
    systems=EVERY,
    needs=[Capability.RESOURCES],
    source="house: open-webui/open-webui #20889",
    breakers=(
        *("session-per-stream", "task-left-behind", "chat-session-per-stream"),
        *("session-kept-when-stream-breaks", "session-kept-when-left-early", "session-kept-when-stalled"),
        *("chat-observer-task-kept", "chat-stalled-call-kept"),
        *("runs-task-left-behind", "workflow-task-left-behind"),
    ),
)
def nothing_leaks(load: Load, _recording: Recording) -> Findings:
    """The same load a second time leaves no more tasks, sockets, descriptors, sessions or calls than the first.

    What grows with the number of calls grows until the process falls over. Calls take turns where they are of several
    kinds: left at different points, or stalled in different ways. A growth that is less than one for every two calls
    of a kind is no leak of the calls, and is left undecided.
    """
    for name in COUNTED:
        grown = int(load.after.get(name, 0)) - int(load.before.get(name, 0))
        where = (Pointer(probe="resources-before"), Pointer(probe="resources-after"))
        if grown >= LEAST and grown * 2 >= load.alike:
            counted = f"{load.before.get(name)}, then {load.after.get(name)}"
            yield Violation(f"{load.calls} more calls left {grown} more {name} ({counted}).", where)
        elif grown > 0:
            yield Doubt(f"{load.calls} more calls left {grown} more {name}: too few to be one a call.", where)
