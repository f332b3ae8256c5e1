"""What the subjects of all provider contracts have in common: which traffic is judged, and what an answer shows.

Provider traffic is judged where nobody asked the provider to fail: recordings of strangers, of real providers, and of
healthy simulators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Protocol

from harness.core.recording import NO_FAULT, Ending, Exchange, Recording, Side, Source
from harness.core.verdict import Pointer, Violation


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


def judged(recording: Recording) -> Iterator[Exchange]:
    """The exchanges with providers, if this is a recording in which providers are judged."""
    header = recording.header
    if header.source is Source.SIMULATOR and header.fault != NO_FAULT:
        return
    for exchange in recording.side(Side.PROVIDER):
        if exchange.response is not None:
            yield exchange


def broken_off(exchange: Exchange, source: Source, stream: Ended) -> bool:
    """Whether only a stream's beginning was recorded. A stranger's recorder never says how the exchange ended."""
    if exchange.ending is not Ending.EOF:
        return True
    return source is Source.THIRD_PARTY and not stream.terminal and not stream.errors
