"""The subjects of the provider contracts on Gemini's protocol, and on Google's token endpoint, decoded once.

The promises bind the Gemini API and Vertex AI alike; errors of Claude on Vertex AI are not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.core.recording import Fidelity, Json, Recording
from harness.providers.gemini import Kind, Stream, StreamEvent, decode_stream

from .provider_traffic import ProviderAnswer, broken_off, judged, read_json

PLAIN, STREAM, TOKEN = "generateContent", "streamGenerateContent", "token"
PROVIDERS = frozenset({"gemini", "vertex"})


@dataclass(frozen=True)
class Generation(ProviderAnswer):
    """An answer to one call for content.

    ``stream`` is there for a stream in any of its forms, ``document`` for anything else that is JSON. ``events``: the
    stream was asked for as events. ``broken_off``: the recording holds only the beginning of the stream.
    """

    stream: Stream | None
    document: Json
    events: bool
    broken_off: bool

    @property
    def chunks(self) -> tuple[StreamEvent, ...]:
        """The chunks of a stream; none of anything else."""
        return tuple(e for e in self.stream.events if e.kind is Kind.CHUNK) if self.stream else ()

    @property
    def failed(self) -> bool:
        """Whether an error stands in the place of the answer, or in it."""
        if self.stream is not None:
            return bool(self.stream.errors)
        return isinstance(self.document, dict) and bool(self.document.get("error"))

    @property
    def usage(self) -> Json:
        """The last count of tokens, as sent."""
        if self.stream is not None:
            return self.stream.usage
        return self.document.get("usageMetadata") if isinstance(self.document, dict) else None

    def parts(self) -> Iterator[tuple[dict[str, Json], StreamEvent | None]]:
        """The objects that candidates stand in: the document, or the chunks of a stream."""
        if isinstance(self.document, dict):
            yield self.document, None
        for chunk in self.chunks:
            yield chunk.data, chunk


@dataclass(frozen=True)
class Grant(ProviderAnswer):
    """An answer of the token endpoint. ``document`` is its body, where that is JSON."""

    document: Json


Select = Callable[[Recording], list[Generation]]


def plain() -> Select:
    """The plain answers with status 200, error objects left out."""
    return _select(lambda one: one.stream is None and one.status == 200 and not one.failed)


def streams(*, whole: bool = False) -> Select:
    """The streams; where ``whole``, only those recorded to an end of their own that is no failure."""
    return _select(lambda one: one.stream is not None and (not whole or not (one.broken_off or one.failed)))


def answers(*, whole: bool = False) -> Select:
    """Plain answers and streams that say nothing of a failure."""
    return _select(lambda one: one.status == 200 and not one.failed and not (whole and one.broken_off))


def arrays() -> Select:
    """The answers with status 200 to calls for a stream that is not to be one of events, recorded to their end."""
    return _select(
        lambda one: (
            one.stream is not None
            and not one.events
            and not one.broken_off
            and one.exchange.fidelity is not Fidelity.NORMALIZED
        )
    )


def labelled() -> Select:
    """The streams whose recorder kept the response's headers."""
    return _select(lambda one: one.stream is not None and one.headers_kept)


def refusals() -> Select:
    """The answers with an error status."""
    return _select(lambda one: one.status >= 400)


def grants(status: range) -> Callable[[Recording], list[Grant]]:
    """The token endpoint's answers with these statuses."""

    def select(recording: Recording) -> list[Grant]:
        found = (e for e in judged(recording) if (e.provider, e.operation) == ("vertex", TOKEN))
        return [Grant(exchange, read_json(exchange.body)) for exchange in found if exchange.status in status]

    return select


def generations(recording: Recording) -> tuple[Generation, ...]:
    """Every answer of Gemini's in a recording, if it is one in which providers are judged."""
    return recording.memo("provider-generations", lambda: tuple(_generations(recording)))


def _select(wanted: Callable[[Generation], bool]) -> Select:
    return lambda recording: [one for one in generations(recording) if wanted(one)]


def _generations(recording: Recording) -> Iterator[Generation]:
    for exchange in judged(recording):
        if exchange.provider not in PROVIDERS or exchange.operation not in (PLAIN, STREAM):
            continue
        events = "alt=sse" in exchange.request.url.partition("?")[2]
        if exchange.operation == STREAM and exchange.status == 200:
            stream = decode_stream(exchange.body)
            ended = stream.terminal or bool(stream.errors)
            cut = broken_off(exchange, recording.header.source, ended=ended)
            yield Generation(exchange, stream, None, events, cut)
        else:
            yield Generation(exchange, None, read_json(exchange.body), events, broken_off=False)
