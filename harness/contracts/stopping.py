"""What a service promises whose calls are under way when it is stopped: they are ended, and told whose doing it was."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import STILL_OPEN, Ending, Recording, Side
from harness.core.verdict import Level, Violation
from harness.systems import accounting, chat

from .calls import Call, cut_short, stopped_meanwhile
from .chat_calls import CHAT, Observation, observations
from .registry import Findings, contract
from .scope import EVERY, STREAMED, WHOLE
from .subjects import calls

STOPPED = (Capability.PROVIDER, Capability.VARIANTS)
DRAINS = "house: a service that is stopped drains"


def _streams(recording: Recording) -> list[Call]:
    return [call for call in calls(recording) if call.streamed and stopped_meanwhile(call, recording)]


def _plain(recording: Recording) -> list[Call]:
    """Calls that had reached a provider, and that were not answered by a stream."""
    return [call for call in calls(recording) if call.upstreams and not call.streamed and cut_short(call, recording)]


def _told(recording: Recording) -> list[Call]:
    return [call for call in calls(recording) if call.codes and cut_short(call, recording)]


@contract(
    "cleanup.stop-ends-streams",
    select=_streams,
    systems=STREAMED,
    needs=STOPPED,
    source=DRAINS,
    breakers=(
        *("chat-stop-cuts-streams", "stop-cuts-streams", "agent-stop-ends-silently"),
        *("silent-end", "invented-stop", "agent-closed-socket-hidden"),
    ),
)
def stop_ends_streams(call: Call, recording: Recording) -> Findings:
    """A service that is stopped in the middle of a stream tells its client, cancels the provider's call, ends the hold.

    Every release of a new version stops the old one in the middle of somebody's answer. Where holds are a service's
    beside it, that service is told what was delivered; others' are seen in the ledger.
    """
    if not call.codes:
        yield call.violation("The service stopped, and the stream ended without an error event.")
    yield from _provider_left(call)
    services = list(recording.side(Side.SERVICE))
    if services and not any(e.operation in accounting.ENDS and e.status == 200 for e in services):
        yield call.violation("The service stopped, and its accounting was not told what was delivered.")


def _watched(recording: Recording) -> list[Observation]:
    """Those who looked on at a stream when the service was stopped."""
    found = [one for one in observations(recording) if one.let_in and one.owner is not None]
    return [one for one in found if one.owner is not None and stopped_meanwhile(one.owner, recording)]


@contract(
    "cleanup.stop-ends-observers",
    select=_watched,
    systems=CHAT,
    needs=STOPPED,
    source=DRAINS,
    breakers=("chat-stop-cuts-observers", "chat-stop-cuts-streams", "chat-observer-no-terminal"),
)
def stop_ends_observers(one: Observation, _recording: Recording) -> Findings:
    """Who looks on at a stream when the service is stopped reads the error event too, and then the end.

    A watcher is as much in the dark as the owner: a connection that is cut may have been the network's doing.
    """
    if not any(event.name == chat.ERROR for event in one.events):
        yield Violation("The service stopped, and an observer read no error event.", (one.here(),))
    elif one.client.ending not in (Ending.EOF, Ending.FIN) or one.client.error == STILL_OPEN:
        how = "kept open" if one.client.error == STILL_OPEN else one.client.ending.value
        yield Violation(f"The service stopped, and an observer's stream did not end: {how}.", (one.here(),))


@contract(
    "cleanup.stop-ends-calls",
    select=_plain,
    systems=WHOLE,
    needs=STOPPED,
    source=DRAINS,
    breakers=("stop-cuts-calls", "runs-stop-cuts-calls", "workflow-stop-cuts-calls"),
)
def stop_ends_calls(call: Call, _recording: Recording) -> Findings:
    """A service that is stopped in the middle of a plain call answers it, by 5xx, and cancels the provider's call.

    A connection that is closed without a word leaves its client to guess whether it was done, and paid for.
    """
    if (call.client.status or 0) < 500:
        yield call.violation(f"The service stopped, and the client read {call.client.status or 'nothing'}.")
    yield from _provider_left(call)


@contract(
    "errors.stop-told",
    select=_told,
    systems=EVERY,
    needs=STOPPED,
    level=Level.SHOULD,
    source="house: a code of the service's own; RFC 9110, 15.6.4: 503 is for maintenance",
    breakers=(
        *("stop-blamed-on-provider", "chat-stop-blamed-on-provider"),
        *("runs-stop-blamed-on-provider", "workflow-stop-blamed-on-provider"),
    ),
)
def stop_told(call: Call, _recording: Recording) -> Findings:
    """A call that was broken off because the service stops is told by a code that no failure of the provider's has.

    Told that the provider was too slow, its client waits for the provider to get well, or pages whoever runs it. The
    next instance would have answered at once.
    """
    theirs = {outcome.code for outcome in call.table.outcomes()}
    for code in call.codes:
        if code is None or code in theirs:
            yield call.violation(f"The service stopped, and the client read {code or 'no code'}.")


def _provider_left(call: Call) -> Iterator[Violation]:
    """The provider's call goes on, or went on to its own end."""
    for upstream in call.upstreams:
        if upstream.exchange.ending is not Ending.CLIENT_CLOSE or upstream.exchange.error == STILL_OPEN:
            yield call.violation("The service stopped, and the provider's call was not cancelled.")
