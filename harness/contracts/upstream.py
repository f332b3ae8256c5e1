"""What a provider did for a call, read from the evidence alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.core.errors import DecodeError
from harness.core.recording import Ending, Exchange, Json
from harness.providers.openai import (
    ChatRequest,
    Completion,
    ErrorBody,
    Kind,
    Stream,
    StreamEvent,
    decode_completion,
    decode_error,
    decode_request,
    decode_stream,
)
from harness.systems.route import Outcome, ProviderTable

CHAT = "chat.completions"
"""The operation of a chat completion, on either side."""

EVENT_STREAM = "text/event-stream"


class Way(StrEnum):
    """How a provider's exchange went."""

    COMPLETE = "complete"
    STATUS = "status"  # it answered with an error status
    UNREACHABLE = "unreachable"  # no connection was made
    SILENT = "silent"  # the target gave up on it: no headers, or no more segments
    INVALID = "invalid"  # an answer that is none: not JSON, no choices, the wrong type
    INCOMPLETE = "incomplete"  # the stream broke off or ended without a terminal
    IN_BAND = "in-band"  # it said in band that it failed


@dataclass(frozen=True)
class Upstream:
    """A provider's exchange, decoded."""

    exchange: Exchange
    request: ChatRequest | None
    stream: Stream | None
    completion: Completion | None
    error: ErrorBody | None
    way: Way

    @property
    def text(self) -> str:
        """The words that the provider sent, up to the end that it announced."""
        if self.stream is not None:
            until = self.stream.done[0] if self.stream.done else len(self.stream.events)
            return "".join(event.text for event in self.stream.events[:until])
        return self.completion.text if self.completion else ""

    @property
    def usage(self) -> Json:
        """What the provider said of the tokens used, as it said it."""
        if self.stream is not None:
            return self.stream.usage
        return self.completion.usage if self.completion else None

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
                return table.for_status(self._status_in_band())

    def _status_in_band(self) -> int:
        """The status that an in-band error names; 500 where it names none."""
        events = self.stream.errors if self.stream else ()
        error = events[0].data.get("error") if events and isinstance(events[0].data, dict) else None
        named = (error.get(key) for key in ("status_code", "code")) if isinstance(error, dict) else ()
        return next((status for status in named if isinstance(status, int)), 500)


def decode_upstream(exchange: Exchange) -> Upstream:
    """A provider's exchange of a chat completion."""
    request = asked(exchange)
    stream, completion, error = answered(exchange)
    if stream is None and exchange.status == 200 and request is not None and request.stream:
        completion = None  # a stream was asked for: one document is no answer
    return Upstream(exchange, request, stream, completion, error, _way(exchange, request, stream, completion))


def asked(exchange: Exchange) -> ChatRequest | None:
    """The request of a chat completion, where it is one."""
    try:
        return decode_request(exchange.request.body)
    except DecodeError:
        return None


def answered(exchange: Exchange) -> tuple[Stream | None, Completion | None, ErrorBody | None]:
    """The answer to a chat completion: one of the three, or none."""
    if exchange.status == 200 and is_event_stream(exchange):
        return decode_stream(exchange.body), None, None
    if exchange.status == 200:
        try:
            return None, decode_completion(exchange.body), None
        except DecodeError:
            return None, None, None
    return None, None, decode_error(exchange.body) if exchange.body else None


def is_event_stream(exchange: Exchange) -> bool:
    """Whether the response is labelled an event stream."""
    kind = exchange.response.header("content-type") if exchange.response else None
    return kind is not None and kind.partition(";")[0].strip().lower() == EVENT_STREAM


def has_choices(event: StreamEvent) -> bool:
    """Whether an event is a chunk with at least one choice in it."""
    return event.kind is Kind.CHUNK and isinstance(event.data, dict) and bool(event.data.get("choices"))


def _way(exchange: Exchange, request: ChatRequest | None, stream: Stream | None, completion: Completion | None) -> Way:
    if exchange.ending is Ending.CONNECT_ERROR:
        return Way.UNREACHABLE
    if exchange.response is None:
        return Way.SILENT
    if exchange.response.status >= 400:
        return Way.STATUS
    if stream is None or (request is not None and not request.stream):
        return Way.COMPLETE if completion is not None and _is_json(exchange) else Way.INVALID
    if stream.errors:
        return Way.IN_BAND
    before_done = stream.events[: stream.done[0]] if stream.done else stream.events
    if any(event.kind is Kind.MALFORMED for event in before_done):
        return Way.INVALID
    if stream.terminal:
        return Way.COMPLETE if any(has_choices(event) for event in before_done) else Way.INVALID
    if exchange.ending is Ending.CLIENT_CLOSE:
        return Way.SILENT
    return Way.INVALID if exchange.ending is Ending.EOF and not stream.events else Way.INCOMPLETE


def _is_json(exchange: Exchange) -> bool:
    kind = (exchange.response.header("content-type") if exchange.response else None) or ""
    return kind.partition(";")[0].strip().lower().endswith("json")
