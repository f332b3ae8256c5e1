"""What a provider did for a call, read from the evidence alone, in words that every provider's protocol can fill.

``contracts.upstreams`` has a decoder for each protocol; contracts read only what is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeGuard

from harness.core.recording import Ending, Exchange, Json
from harness.systems.route import Outcome, ProviderTable

EVENT_STREAM = "text/event-stream"
MAX_TOKENS = 10_000_000
"""More tokens than any model has taken in one call: a larger figure is no usage."""

UNTOLD_STATUS = 500
"""What an in-band error counts as that names no status."""


class Way(StrEnum):
    """How a provider's exchange went."""

    COMPLETE = "complete"
    STATUS = "status"  # it answered with an error status
    UNREACHABLE = "unreachable"  # no connection was made
    SILENT = "silent"  # the target gave up on it: no headers, or no more segments
    INVALID = "invalid"  # an answer that is none: not JSON, no choices, the wrong type
    INCOMPLETE = "incomplete"  # the stream broke off or ended without a terminal
    IN_BAND = "in-band"  # it said in band that it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the provider was asked for.

    ``messages`` are (role, text). ``parameters`` is the request's body as it was sent, in the protocol's own words.
    """

    model: str
    stream: bool
    messages: tuple[tuple[str, str], ...] = ()
    max_tokens: int | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that the provider says were used: values as it sent them, whatever their type; None where absent.

    ``raw`` is the whole of what it said of them, in its own words.
    """

    input: Json
    output: Json
    raw: Json

    def sane(self, *, delivered: bool) -> tuple[int, int] | None:
        """Tokens in and out where both can be believed, else None.

        Each must be a whole number from 0, together at most ``MAX_TOKENS``, and a text that was ``delivered`` cost more
        than 0.
        """
        if not (_is_count(self.input) and _is_count(self.output)) or (self.output == 0 and delivered):
            return None
        return (self.input, self.output) if self.input + self.output <= MAX_TOKENS else None


@dataclass(frozen=True, slots=True)
class Piece:
    """An event of the provider's stream that has some of the words in it: which, and its bytes (start, end)."""

    index: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the provider said of its failure. A field that is absent is None (a message: empty).

    ``status`` is that of the response, or the one that an error in band stands for.
    """

    message: str = ""
    type: str | None = None
    code: str | int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, as its protocol reads it. The default is an answer that is none.

    ``streamed``: it came as the protocol's stream. ``readable``: all of it up to its end could be decoded, and it was
    labelled as what it is. ``answered``: there is an answer in it: a choice, a block of content, a candidate.
    ``ended``: the provider said that it is complete. ``failed``: the stream said in band that it failed. ``void``:
    a stream with not one event in it.
    ``finish_reasons`` are in the words of OpenAI's protocol, where they have one for it; ``text`` goes up to the end
    that was announced.
    """

    streamed: bool = False
    readable: bool = False
    answered: bool = False
    ended: bool = False
    failed: bool = False
    void: bool = False
    text: str = ""
    usage: Usage | None = None
    finish_reasons: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    error: Said | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider's exchange, decoded: what was asked (None where it cannot be read), what came, and how it went."""

    exchange: Exchange
    request: Asked | None
    answer: Answer
    way: Way

    @property
    def text(self) -> str:
        """The words that the provider sent, up to the end that it announced."""
        return self.answer.text

    @property
    def usage(self) -> Usage | None:
        """What the provider said of the tokens used, as it said it."""
        return self.answer.usage

    @property
    def counted(self) -> tuple[int, int] | None:
        """Tokens in and out by the provider's own count, where it can be believed."""
        return self.usage.sane(delivered=bool(self.text)) if self.usage else None

    @property
    def error(self) -> Said | None:
        """What the provider said of its failure, by a status or in band."""
        return self.answer.error

    @property
    def finish_reasons(self) -> tuple[str, ...]:
        """Every finish reason that it gave, in order and in OpenAI's words: a sound stream has one."""
        return self.answer.finish_reasons

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The events of its stream that hold some of the words."""
        return self.answer.pieces

    @property
    def streamed(self) -> bool:
        """Whether it answered with a stream."""
        return self.answer.streamed

    @property
    def token_refused(self) -> bool:
        """Whether it turned an access token away, of the kind that ends and is renewed: those of Google Cloud."""
        return self.exchange.status == 401 and self.exchange.provider == "vertex"

    def outcome(self, table: ProviderTable) -> Outcome | None:
        """What a system must make of this by its table; None where the provider did its part."""
        match self.way:
            case Way.COMPLETE:
                return None
            case Way.STATUS:
                return table.for_status(self.exchange.status or 0)
            case Way.UNREACHABLE:
                return table.unreachable
            case Way.SILENT:
                return table.timeout
            case Way.INVALID:
                return table.invalid
            case Way.INCOMPLETE:
                return table.incomplete
            case Way.IN_BAND:
                return table.for_status((self.error.status if self.error else None) or UNTOLD_STATUS)


def way_of(exchange: Exchange, request: Asked | None, answer: Answer) -> Way:
    """How an exchange went; the same for every protocol."""
    if exchange.ending is Ending.CONNECT_ERROR:
        return Way.UNREACHABLE
    if exchange.response is None:
        return Way.SILENT
    if exchange.response.status >= 400:
        return Way.STATUS
    if not answer.streamed or (request is not None and not request.stream):
        whole = not answer.streamed and answer.answered and answer.readable
        return Way.COMPLETE if whole else Way.INVALID
    if answer.failed:
        return Way.IN_BAND
    if not answer.readable:
        return Way.INVALID
    if answer.ended:
        return Way.COMPLETE if answer.answered else Way.INVALID
    if exchange.ending is Ending.CLIENT_CLOSE:
        return Way.SILENT
    return Way.INVALID if exchange.ending is Ending.EOF and answer.void else Way.INCOMPLETE


def label(exchange: Exchange) -> str:
    """The media type that the response is labelled with; empty where it has no label."""
    kind = exchange.response.header("content-type") if exchange.response else None
    return (kind or "").partition(";")[0].strip().lower()


def is_event_stream(exchange: Exchange) -> bool:
    """Whether the response is labelled an event stream."""
    return label(exchange) == EVENT_STREAM


def is_json(exchange: Exchange) -> bool:
    """Whether the response is labelled JSON."""
    return label(exchange).endswith("json")


def _is_count(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
