"""The subjects of Bedrock's contracts: what it answered to invoke and Converse calls, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.core.recording import Exchange, Fidelity, Json, Recording, Source
from harness.providers.bedrock import CALLS, Stream, StreamEvent, decode_stream

from .provider_traffic import ProviderAnswer, broken_off, judged, read_json

CONVERSE = frozenset({"converse", "converse-stream"})


@dataclass(frozen=True)
class Invocation(ProviderAnswer):
    """An answer to one call. ``stream`` is there for an event stream, ``document`` for anything else that is JSON.

    ``whole``: the recording holds the stream to an end of its own, and no exception cut it short.
    """

    stream: Stream | None
    document: Json
    broken_off: bool

    @property
    def call(self) -> str:
        """Which of the four calls."""
        return self.exchange.operation

    @property
    def whole(self) -> bool:
        """Whether a stream was recorded to an end of its own that is no failure."""
        return self.stream is not None and not self.broken_off and not self.stream.exceptions

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """The frames of a stream; none of anything else."""
        return self.stream.events if self.stream else ()


Select = Callable[[Recording], list[Invocation]]


def streams(*calls: str, whole: bool = False) -> Select:
    """The event streams, of these calls only where some are named, and only whole ones where that is asked."""
    return _select(lambda a: a.stream is not None and (not calls or a.call in calls) and (a.whole or not whole))


def streams_asked() -> Select:
    """The answers with status 200 to the calls that stream, where the recorder kept the response's headers."""

    return _select(lambda a: a.call.endswith("-stream") and a.status == 200 and a.headers_kept)


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
    for exchange in judged(recording):
        if exchange.provider == "bedrock" and exchange.operation in CALLS:
            yield _invocation(exchange, recording.header.source)


def _invocation(exchange: Exchange, source: Source) -> Invocation:
    if exchange.operation.endswith("-stream") and exchange.status == 200:
        stream = decode_stream(exchange.body)
        ended = stream.terminal or bool(stream.exceptions)
        return Invocation(exchange, stream, None, broken_off(exchange, source, ended=ended))
    return Invocation(exchange, None, read_json(exchange.body), broken_off=False)
