"""The subjects of Bedrock's contracts: what it answered to invoke and Converse calls, decoded once.

As with chat completions, provider traffic is judged where nobody asked the provider to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.recording import NO_FAULT, Ending, Exchange, Fidelity, Json, Recording, Side, Source
from harness.core.verdict import Pointer, Violation
from harness.framing import json
from harness.providers.bedrock import CALLS, Stream, StreamEvent, decode_stream

CONVERSE = frozenset({"converse", "converse-stream"})


@dataclass(frozen=True)
class Invocation:
    """An answer to one call. ``stream`` is there for an event stream, ``document`` for anything else that is JSON.

    ``whole``: the recording holds the stream to an end of its own, and no exception cut it short.
    """

    exchange: Exchange
    stream: Stream | None
    document: Json
    broken_off: bool

    @property
    def call(self) -> str:
        """Which of the four calls."""
        return self.exchange.operation

    @property
    def status(self) -> int:
        """The response's status code."""
        return self.exchange.status or 0

    @property
    def whole(self) -> bool:
        """Whether a stream was recorded to an end of its own that is no failure."""
        return self.stream is not None and not self.broken_off and not self.stream.exceptions

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """The frames of a stream; none of anything else."""
        return self.stream.events if self.stream else ()

    def header(self, name: str) -> str | None:
        """A header field of the response."""
        return self.exchange.response.header(name) if self.exchange.response else None

    def violation(self, sentence: str, event: StreamEvent | None = None) -> Violation:
        """A broken promise, with the frame where it shows, or the exchange as a whole."""
        if event is None:
            return Violation(sentence, (Pointer(self.exchange.id),))
        return Violation(sentence, (Pointer(self.exchange.id, start=event.start, end=event.end, event=event.index),))


Select = Callable[[Recording], list[Invocation]]


def streams(*calls: str, whole: bool = False) -> Select:
    """The event streams, of these calls only where some are named, and only whole ones where that is asked."""
    return _select(lambda a: a.stream is not None and (not calls or a.call in calls) and (a.whole or not whole))


def streams_asked() -> Select:
    """The answers with status 200 to the calls that stream, where the recorder kept the response's headers."""

    def wanted(answer: Invocation) -> bool:
        response = answer.exchange.response
        return answer.call.endswith("-stream") and answer.status == 200 and bool(response and response.headers)

    return _select(wanted)


def conversations() -> Select:
    """Converse's answers, streamed to their end or plain."""
    return _select(lambda a: a.call in CONVERSE and a.status == 200 and (a.stream is None or a.whole))


def plain_conversations() -> Select:
    """Converse's plain answers."""
    return _select(lambda a: a.call == "converse" and a.status == 200)


def refusals(*, headers: bool = False) -> Select:
    """The answers with an error status; where ``headers``, those whose recorder kept all header fields."""
    return _select(lambda a: a.status >= 400 and not (headers and a.exchange.fidelity is Fidelity.NORMALIZED))


def invocations(recording: Recording) -> tuple[Invocation, ...]:
    """Every answer of Bedrock's in a recording, if it is one in which providers are judged."""
    return recording.memo("bedrock-invocations", lambda: tuple(_invocations(recording)))


def _select(wanted: Callable[[Invocation], bool]) -> Select:
    return lambda recording: [answer for answer in invocations(recording) if wanted(answer)]


def _invocations(recording: Recording) -> Iterator[Invocation]:
    source = recording.header.source
    if source is Source.SIMULATOR and recording.header.fault != NO_FAULT:
        return
    for exchange in recording.side(Side.PROVIDER):
        if exchange.provider == "bedrock" and exchange.operation in CALLS and exchange.response is not None:
            yield _invocation(exchange, source)


def _invocation(exchange: Exchange, source: Source) -> Invocation:
    if exchange.operation.endswith("-stream") and exchange.status == 200:
        stream = decode_stream(exchange.body)
        stranger = source is Source.THIRD_PARTY and not stream.terminal and not stream.exceptions
        return Invocation(exchange, stream, None, exchange.ending is not Ending.EOF or stranger)
    try:
        document = json.lenient(exchange.body)
    except DecodeError:
        document = None
    return Invocation(exchange, None, document, broken_off=False)
