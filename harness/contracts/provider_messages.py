"""The subjects of the provider contracts on Anthropic's Messages protocol: what was answered, decoded once.

Its promises bind Anthropic, and Vertex AI where it passes Claude's bodies on (``:rawPredict``, ``:streamRawPredict``).
Anybody else who speaks the protocol has promised nothing. As with all provider contracts, traffic is judged where
nobody asked the provider to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.core.recording import NO_FAULT, Ending, Exchange, Fidelity, Json, Recording, Side, Source
from harness.core.verdict import Pointer, Violation
from harness.providers.anthropic import Kind, Stream, StreamEvent, decode_stream

from .provider_chats import is_event_stream, read_json

Scope = frozenset[str]

ANTHROPIC: Scope = frozenset({"anthropic"})
CLAUDE: Scope = ANTHROPIC | {"vertex"}
"""Whose bodies are Claude's. Errors are not among them: Vertex AI has its own."""

_OPERATIONS = {"anthropic": ("messages",), "vertex": ("rawPredict", "streamRawPredict")}
_CLAUDE_PATH = "/publishers/anthropic/"


@dataclass(frozen=True)
class Answer:
    """An answer to one request for a message.

    ``promiser`` is whose promises bind it. ``asked`` is the request where it is known, else empty. ``stream`` is
    there for an event stream, ``document`` for anything else that is JSON. ``broken_off``: the recording holds only
    the beginning of the stream, because its client left or its recorder stopped.
    """

    exchange: Exchange
    promiser: str
    asked: dict[str, Json]
    stream: Stream | None
    document: Json
    broken_off: bool

    @property
    def status(self) -> int:
        """The response's status code; 0 where there was no response."""
        return self.exchange.status or 0

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """The stream's events up to its first ``message_stop``, those left out that a reader passes over."""
        if self.stream is None:
            return ()
        until = self.stream.done[0] + 1 if self.stream.done else len(self.stream.events)
        return tuple(event for event in self.stream.events[:until] if event.kind in _READ)

    def of(self, kind: Kind) -> tuple[StreamEvent, ...]:
        """The events of one kind among them."""
        return tuple(event for event in self.events if event.kind is kind)

    def violation(self, sentence: str, event: StreamEvent | None = None) -> Violation:
        """A broken promise, with the event where it shows, or the exchange as a whole."""
        if event is None:
            return Violation(sentence, (Pointer(self.exchange.id),))
        return Violation(sentence, (Pointer(self.exchange.id, start=event.start, end=event.end, event=event.index),))


_READ = frozenset(Kind) - {Kind.PING, Kind.ERROR, Kind.OTHER, Kind.MALFORMED}

Select = Callable[[Recording], list[Answer]]


def streams(scope: Scope, *, whole: bool = False) -> Select:
    """The event streams of these providers; where ``whole``, only those recorded to an end of their own.

    A stream that its recorder wrote again is not among these: its last event may be lost.
    """

    def wanted(answer: Answer) -> bool:
        if answer.stream is None or not whole:
            return answer.stream is not None
        return not (answer.broken_off or answer.stream.errors) and answer.exchange.fidelity is not Fidelity.NORMALIZED

    return _select(scope, wanted)


def messages(scope: Scope) -> Select:
    """The plain answers with status 200 of these providers."""
    return _select(scope, lambda answer: answer.stream is None and answer.status == 200 and not _failed(answer))


def answers(scope: Scope) -> Select:
    """Streams and plain answers with status 200 of these providers."""
    return _select(scope, lambda answer: answer.stream is not None or (answer.status == 200 and not _failed(answer)))


def documents(scope: Scope) -> Select:
    """Whatever these providers answered with status 200 that is no stream, error objects included."""
    return _select(scope, lambda answer: answer.stream is None and answer.status == 200)


def refusals(scope: Scope) -> Select:
    """The answers with an error status of these providers."""
    return _select(scope, lambda answer: answer.status >= 400)


def failures(scope: Scope) -> Select:
    """The answers that say that something failed: by their status, or in band."""
    return _select(scope, lambda answer: answer.status >= 400 or bool(answer.stream and answer.stream.errors))


def streams_asked(scope: Scope) -> Select:
    """The answers with status 200 to requests for a stream, where the recorder kept the response's headers."""

    def asked(answer: Answer) -> bool:
        response = answer.exchange.response
        kept = response is not None and bool(response.headers)
        return answer.status == 200 and kept and answer.asked.get("stream") is True

    return _select(scope, asked)


def provider_messages(recording: Recording) -> tuple[Answer, ...]:
    """Every answer of a provider of this protocol in a recording, if it is one in which providers are judged."""
    return recording.memo("provider-messages", lambda: tuple(_answers(recording)))


def _select(scope: Scope, wanted: Callable[[Answer], bool]) -> Select:
    return lambda recording: [one for one in provider_messages(recording) if one.promiser in scope and wanted(one)]


def _answers(recording: Recording) -> Iterator[Answer]:
    source = recording.header.source
    if source is Source.SIMULATOR and recording.header.fault != NO_FAULT:
        return
    yield from (_answer(exchange, source) for exchange in recording.side(Side.PROVIDER) if _is_claudes(exchange))


def _is_claudes(exchange: Exchange) -> bool:
    """Whether an exchange is a call for a message; Vertex AI has models of others under the same calls."""
    provider = exchange.provider or ""
    if exchange.response is None or exchange.operation not in _OPERATIONS.get(provider, ()):
        return False
    return provider != "vertex" or _CLAUDE_PATH in exchange.request.url


def _answer(exchange: Exchange, source: Source) -> Answer:
    request = read_json(exchange.request.body)
    stream = decode_stream(exchange.body) if is_event_stream(exchange) else None
    return Answer(
        exchange=exchange,
        promiser=exchange.provider or "",
        asked=request if isinstance(request, dict) else {},
        stream=stream,
        document=None if stream is not None else read_json(exchange.body),
        broken_off=stream is not None and _broken_off(exchange, source, stream),
    )


def _broken_off(exchange: Exchange, source: Source, stream: Stream) -> bool:
    """Whether only a beginning was recorded. A stranger's recorder never says how the exchange ended."""
    if exchange.ending is not Ending.EOF:
        return True
    return source is Source.THIRD_PARTY and not stream.terminal and not stream.errors


def _failed(answer: Answer) -> bool:
    return isinstance(answer.document, dict) and bool(answer.document.get("error"))
