"""The subjects of most contracts: a chat call seen from both sides, decoded once for each recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.core.errors import DecodeError
from harness.core.fault import FAULTS, Reach
from harness.core.ledger import Ledger, read_ledger
from harness.core.recording import Ending, Exchange, Json, Recording, Side
from harness.core.verdict import Pointer, Violation
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
from harness.systems import gateway
from harness.systems.route import Outcome

CHAT = gateway.CHAT.name
EVENT_STREAM = "text/event-stream"


class Way(StrEnum):
    """How a provider's exchange went, read from the evidence alone."""

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


@dataclass(frozen=True)
class ChatCall:
    """One chat completion call of a client, with what the target asked of providers for it."""

    client: Exchange
    request: ChatRequest | None
    stream: Stream | None
    completion: Completion | None
    error: ErrorBody | None
    upstreams: tuple[Upstream, ...]

    @property
    def left(self) -> bool:
        """Whether the client left before the end."""
        return self.client.ending is Ending.CLIENT_CLOSE

    @property
    def streamed(self) -> bool:
        """Whether the answer came as an event stream with status 200."""
        return self.stream is not None

    @property
    def text(self) -> str:
        """The words that the client received."""
        if self.stream is not None:
            return self.stream.text
        return self.completion.text if self.completion else ""

    @property
    def upstream(self) -> Upstream | None:
        """The last provider exchange for the call: the one whose outcome counts."""
        return self.upstreams[-1] if self.upstreams else None

    @property
    def succeeded(self) -> bool:
        """Whether a client would take the answer for a whole one."""
        if self.stream is not None:
            return self.stream.terminal and not self.stream.errors and not self.left
        return self.completion is not None and self.client.status == 200

    def at_event(self, index: int) -> Pointer:
        """Points at an event of the client's stream."""
        if self.stream is None or not 0 <= index < len(self.stream.events):
            return self.here()
        event = self.stream.events[index]
        at_ns = self.client.response.at(event.start) if self.client.response else None
        return Pointer(self.client.id, start=event.start, end=event.end, event=index, at_ns=at_ns)

    def here(self) -> Pointer:
        """Points at the client's exchange as a whole, at its end."""
        return Pointer(self.client.id, at_ns=self.client.ended_ns)

    def violation(self, sentence: str, *more: Pointer) -> Violation:
        """A violation in this call: the client's exchange, the provider's, and whatever else is named."""
        pointers = [*more] if more else [self.here()]
        if self.upstream is not None:
            pointers.append(Pointer(self.upstream.exchange.id, at_ns=self.upstream.exchange.ended_ns))
        return Violation(sentence, tuple(pointers))


def chat_calls(recording: Recording) -> tuple[ChatCall, ...]:
    """The chat completion calls of a recording's clients, by the time they were sent."""
    return recording.memo("chat-calls", lambda: tuple(_chat_calls(recording)))


def _chat_calls(recording: Recording) -> Iterator[ChatCall]:
    upstreams = [_upstream(e) for e in recording.side(Side.PROVIDER) if e.operation == CHAT]
    clients = [e for e in recording.side(Side.CLIENT) if e.operation == CHAT]
    for client in clients:
        ours = tuple(u for u in upstreams if client.tie is not None and u.exchange.tie == client.tie)
        same = [c for c in clients if c.tie == client.tie]
        if len(same) > 1:  # one prompt sent several times: each call has the provider traffic within its own time
            ours = tuple(u for u in ours if _within(u.exchange, client, same))
        yield ChatCall(client, _request(client), *_answer(client), upstreams=ours)


def _within(exchange: Exchange, client: Exchange, same: list[Exchange]) -> bool:
    """Whether a provider exchange began after this call was sent and before the next with the same prompt was."""
    later = [c.request.sent_ns for c in same if c.request.sent_ns > client.request.sent_ns]
    until_ns = min(later, default=None)
    sent_ns = exchange.request.sent_ns
    return client.request.sent_ns <= sent_ns and (until_ns is None or sent_ns < until_ns)


def _request(exchange: Exchange) -> ChatRequest | None:
    try:
        return decode_request(exchange.request.body)
    except DecodeError:
        return None


def is_event_stream(exchange: Exchange) -> bool:
    """Whether the response is labelled an event stream."""
    kind = exchange.response.header("content-type") if exchange.response else None
    return kind is not None and kind.partition(";")[0].strip().lower() == EVENT_STREAM


def _answer(exchange: Exchange) -> tuple[Stream | None, Completion | None, ErrorBody | None]:
    if exchange.status == 200 and is_event_stream(exchange):
        return decode_stream(exchange.body), None, None
    if exchange.status == 200:
        try:
            return None, decode_completion(exchange.body), None
        except DecodeError:
            return None, None, None
    return None, None, decode_error(exchange.body) if exchange.body else None


def _upstream(exchange: Exchange) -> Upstream:
    request = _request(exchange)
    stream, completion, error = _answer(exchange)
    if stream is None and exchange.status == 200 and request is not None and request.stream:
        completion = None  # a stream was asked for: one document is no answer
    return Upstream(exchange, request, stream, completion, error, _way(exchange, request, stream, completion))


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


def has_choices(event: StreamEvent) -> bool:
    """Whether an event is a chunk with at least one choice in it."""
    return event.kind is Kind.CHUNK and isinstance(event.data, dict) and bool(event.data.get("choices"))


def failures(call: ChatCall, recording: Recording) -> tuple[Outcome, ...]:
    """What the gateway may say of the provider's failure in this call; empty where the provider did not fail."""
    upstream = call.upstream
    if upstream is None:
        reach = FAULTS[recording.header.fault].reach if recording.header.fault in FAULTS else Reach.OK
        return (gateway.UNREACHABLE,) if reach is not Reach.OK else ()
    match upstream.way:
        case Way.COMPLETE:
            return ()
        case Way.STATUS:
            return (gateway.for_status(upstream.exchange.status or 0),)
        case Way.UNREACHABLE:
            return (gateway.UNREACHABLE,)
        case Way.SILENT:
            return (gateway.TIMEOUT,)
        case Way.INVALID:
            return (gateway.INVALID_RESPONSE,)
        case Way.INCOMPLETE:
            return (gateway.INCOMPLETE,)
        case Way.IN_BAND:
            return _in_band(upstream)


def _in_band(upstream: Upstream) -> tuple[Outcome, ...]:
    """The table's row for the status that an in-band error names; unavailable where it names none."""
    events = upstream.stream.errors if upstream.stream else ()
    error = events[0].data.get("error") if events and isinstance(events[0].data, dict) else None
    status = next(
        (error[key] for key in ("status_code", "code") if isinstance(error, dict) and isinstance(error.get(key), int)),
        500,
    )
    return (gateway.for_status(status),)


def ledger(recording: Recording) -> Ledger | None:
    """The ledger that the last probe showed.

    Raises:
        ProbeError: the probe's data is not of the documented shape.
    """
    probe = recording.probe("ledger")
    return None if probe is None else recording.memo("ledger", lambda: read_ledger(probe.data))
