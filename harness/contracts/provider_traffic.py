"""What the subjects of all provider contracts have in common: which traffic is judged, and what an answer shows.

A contract says by its *scope* whose promise it is: the providers whose documentation makes it. Who documents
something else, or was seen to do otherwise all the time, is left out there with the reason, never here by a file.

Provider traffic is judged where nobody asked the provider to fail: recordings of strangers, of real providers, and of
healthy simulators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from harness.core.errors import DecodeError
from harness.core.recording import NO_FAULT, Ending, Exchange, Fidelity, Json, Recording, Side, Source
from harness.core.verdict import Pointer, Violation
from harness.framing import json

EVENT_STREAM = "text/event-stream"

Scope = frozenset[str]


class Placed(Protocol):
    """An event of a stream, with its place among the others and its bytes in the body."""

    @property
    def index(self) -> int:
        """Its place."""

    @property
    def start(self) -> int:
        """Its first byte."""

    @property
    def end(self) -> int:
        """The byte after its last."""


class Ended(Protocol):
    """A stream that tells whether it was said to be complete, and what failed in it."""

    @property
    def terminal(self) -> bool:
        """Whether the provider said that the answer is complete."""

    @property
    def errors(self) -> Sized:
        """The events that say that something failed."""


S = TypeVar("S", bound=Ended)


@dataclass(frozen=True)
class ProviderAnswer:
    """An answer of a provider's, before anything of its body is read."""

    exchange: Exchange

    @property
    def status(self) -> int:
        """The response's status code; 0 where there was no response."""
        return self.exchange.status or 0

    def header(self, name: str) -> str | None:
        """A header field of the response."""
        return self.exchange.response.header(name) if self.exchange.response else None

    @property
    def headers_kept(self) -> bool:
        """Whether the recorder kept the response's headers."""
        return self.exchange.response is not None and bool(self.exchange.response.headers)

    def violation(self, sentence: str, event: Placed | None = None) -> Violation:
        """A broken promise, with the event where it shows, or the exchange as a whole."""
        if event is None:
            return Violation(sentence, (Pointer(self.exchange.id),))
        return Violation(sentence, (Pointer(self.exchange.id, start=event.start, end=event.end, event=event.index),))


@dataclass(frozen=True)
class Answered(ProviderAnswer, Generic[S]):
    """An answer to one request of a protocol whose streams are event streams.

    ``promiser`` is whose promises bind it. ``asked`` is the request where it is known, else empty. ``stream`` is
    there for an event stream, ``document`` for anything else that is JSON. ``broken_off``: the recording holds only
    the beginning of the stream, because its client left or its recorder stopped.
    """

    promiser: str
    asked: dict[str, Json]
    stream: S | None
    document: Json
    broken_off: bool

    @classmethod
    def read(
        cls,
        exchange: Exchange,
        source: Source,
        promiser: str,
        decode: Callable[[bytes], S],
        *,
        streamed: bool | None = None,
    ) -> Self:
        """An exchange's answer; ``decode`` reads the protocol's streams.

        ``streamed`` is whether this is one, where the call says it and not what came.
        """
        request = read_json(exchange.request.body)
        if streamed is None:
            streamed = is_event_stream(exchange)
        stream = decode(exchange.body) if streamed else None
        return cls(
            exchange=exchange,
            promiser=promiser,
            asked=request if isinstance(request, dict) else {},
            stream=stream,
            document=None if stream is not None else read_json(exchange.body),
            broken_off=stream is not None
            and broken_off(exchange, source, ended=stream.terminal or bool(stream.errors)),
        )

    @property
    def whole(self) -> bool:
        """Whether this is a stream that was recorded to an end of its own, which is no failure.

        One that its recorder wrote again is not: its last event may be lost.
        """
        if self.stream is None or self.broken_off or self.stream.errors:
            return False
        return self.exchange.fidelity is not Fidelity.NORMALIZED

    @property
    def plain(self) -> bool:
        """Whether it has status 200 and is neither a stream nor an error object."""
        failed = isinstance(self.document, dict) and bool(self.document.get("error"))
        return self.stream is None and self.status == 200 and not failed


A = TypeVar("A", bound=Answered[Any])
Select = Callable[[Recording], list[A]]


@dataclass(frozen=True)
class Selectors(Generic[A]):
    """What the contracts of one such protocol choose from; ``found`` gives its answers in a recording."""

    found: Callable[[Recording], tuple[A, ...]]

    def where(self, scope: Scope, wanted: Callable[[A], bool]) -> Select[A]:
        """The answers of these providers that are wanted."""
        return lambda recording: [one for one in self.found(recording) if one.promiser in scope and wanted(one)]

    def streams(self, scope: Scope, *, whole: bool = False) -> Select[A]:
        """The event streams of these providers; where ``whole``, only those recorded to an end of their own."""
        return self.where(scope, lambda one: one.whole if whole else one.stream is not None)

    def plain(self, scope: Scope) -> Select[A]:
        """The plain answers with status 200 of these providers."""
        return self.where(scope, lambda one: one.plain)

    def answers(self, scope: Scope) -> Select[A]:
        """Streams and plain answers with status 200 of these providers."""
        return self.where(scope, lambda one: one.stream is not None or one.plain)

    def documents(self, scope: Scope) -> Select[A]:
        """Whatever these providers answered with status 200 that is no stream, error objects included."""
        return self.where(scope, lambda one: one.stream is None and one.status == 200)

    def refusals(self, scope: Scope) -> Select[A]:
        """The answers with an error status of these providers."""
        return self.where(scope, lambda one: one.status >= 400)

    def failures(self, scope: Scope) -> Select[A]:
        """The answers that say that something failed: by their status, or in band."""
        return self.where(scope, lambda one: one.status >= 400 or bool(one.stream and one.stream.errors))

    def streams_asked(self, scope: Scope) -> Select[A]:
        """The answers with status 200 to requests for a stream, where the recorder kept the response's headers."""
        return self.where(scope, lambda one: one.status == 200 and one.headers_kept and one.asked.get("stream") is True)


def judged(recording: Recording) -> Iterator[Exchange]:
    """The exchanges with providers that have a response, if this is a recording in which providers are judged.

    One that broke off before the first byte of its body says nothing of anybody's format.
    """
    header = recording.header
    if header.source is Source.SIMULATOR and header.fault != NO_FAULT:
        return
    for exchange in recording.side(Side.PROVIDER):
        if exchange.response is not None and (exchange.body or exchange.ending is Ending.EOF):
            yield exchange


def broken_off(exchange: Exchange, source: Source, *, ended: bool) -> bool:
    """Whether only a stream's beginning was recorded; ``ended``: it says that it is complete, or that it failed.

    A stranger's recorder never says how the exchange ended.
    """
    return exchange.ending is not Ending.EOF or (source is Source.THIRD_PARTY and not ended)


def is_event_stream(exchange: Exchange) -> bool:
    """Whether a 200 holds an event stream: by its label, or by its first bytes where no label was kept or is right."""
    if exchange.status != 200:
        return False
    label = exchange.response.header("content-type") if exchange.response else None
    if label is not None and label.partition(";")[0].strip().lower() == EVENT_STREAM:
        return True
    return exchange.body.lstrip()[:6].startswith((b"data:", b"event:", b":"))


def read_json(body: bytes) -> Json:
    """A body's value, read leniently; None where it is no JSON."""
    try:
        return json.lenient(body)
    except DecodeError:
        return None
