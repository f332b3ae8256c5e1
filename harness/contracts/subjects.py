"""What contracts look at: selectors, each from a recording to its subjects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.ledger import Ledger
from harness.core.recording import Exchange, Mark, Recording, Side

from .calls import Call, ChatCall, broken_off, chat_calls, failures, ledger
from .chat_calls import StreamCall, deleted_meanwhile, stream_calls
from .plan_calls import plan_calls
from .run_calls import run_calls


def calls(recording: Recording) -> Iterator[Call]:
    """Every call that is there to make a provider speak, of whichever system."""
    return iter((*chat_calls(recording), *run_calls(recording), *plan_calls(recording), *stream_calls(recording)))


def streams(recording: Recording) -> Iterator[ChatCall]:
    """Chat calls that were answered by an event stream."""
    return (call for call in chat_calls(recording) if call.streamed)


def whole_streams(recording: Recording) -> Iterator[ChatCall]:
    """Streams whose client stayed to the end."""
    return (call for call in streams(recording) if not call.left)


def healthy_streams(recording: Recording) -> Iterator[ChatCall]:
    """Streams whose client stayed and whose provider did its part."""
    return (call for call in whole_streams(recording) if call.upstream and not broken_off(call, recording))


def failed(recording: Recording) -> Iterator[Call]:
    """Calls whose provider failed while the client stayed, and their session was not deleted under them."""
    return (
        call for call in calls(recording) if not (call.left or _deleted(call, recording)) and failures(call, recording)
    )


def _deleted(call: Call, recording: Recording) -> bool:
    return isinstance(call, StreamCall) and deleted_meanwhile(call, recording)


def failed_before(recording: Recording) -> Iterator[Call]:
    """Of the failed calls those that were not answered by a stream: the status can still say so."""
    return (call for call in failed(recording) if not call.streamed)


def failed_after(recording: Recording) -> Iterator[ChatCall]:
    """Of the failed calls those whose stream had begun: only the stream can say so."""
    return (call for call in streams(recording) if not call.left and failures(call, recording))


def completed(recording: Recording) -> Iterator[Call]:
    """Calls whose provider gave its whole answer while the client stayed."""
    return (call for call in calls(recording) if call.upstream and not call.left and not broken_off(call, recording))


def left(recording: Recording) -> Iterator[Call]:
    """Calls that their client broke off."""
    return (call for call in calls(recording) if call.left)


def answers(recording: Recording) -> Iterator[Exchange]:
    """Every exchange of a client that got a response."""
    return (exchange for exchange in recording.side(Side.CLIENT) if exchange.response is not None)


def error_answers(recording: Recording) -> Iterator[Exchange]:
    """Every exchange of a client that was answered by 400 or above."""
    return (exchange for exchange in answers(recording) if (exchange.status or 0) >= 400)


def ledgers(recording: Recording) -> Iterator[Ledger]:
    """The account's ledger, where it was probed."""
    found = ledger(recording)
    return iter(() if found is None else (found,))


@dataclass(frozen=True)
class Sent:
    """A request that a scenario sent on purpose, with the mark that says what it was."""

    mark: Mark
    exchange: Exchange

    @property
    def kind(self) -> str:
        """What kind of request the scenario meant."""
        return str(self.mark.data["kind"])


def sent(recording: Recording, name: str) -> Iterator[Sent]:
    """The client exchanges that marks of this name speak of."""
    for mark in recording.marks:
        if mark.name == name:
            for exchange in recording.side(Side.CLIENT):
                if exchange.tie == mark.data["tie"]:
                    yield Sent(mark, exchange)
