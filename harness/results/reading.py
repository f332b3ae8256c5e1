"""What the body of an answer says, and when: the one place where latency meets the protocols.

An event is there when its last byte is. What comes out knows nothing of the protocol any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Fidelity, Response
from harness.providers import openai

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of a stream that has choices: when it was complete, in which read (from 0), its characters.

    ``chars`` is 0 for one that only says the role or the finish reason: it is a chunk, but no content.
    """

    at_ns: int
    read: int
    chars: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A response's body as its protocol reads it. ``streamed`` where it came as a stream; ``chunks`` are its own."""

    streamed: bool
    chunks: tuple[Chunk, ...] = ()
    chars: int = 0
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asked for, as far as it can be read."""

    model: str | None
    stream: bool


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the calls of one name are read."""

    asked: Callable[[Exchange], Asked]
    answer: Callable[[Response], Answer]


def read_asked(exchange: Exchange) -> Asked | None:
    """What the exchange's request asked for; None where its protocol is not read."""
    protocol = PROTOCOLS.get(exchange.operation)
    return None if protocol is None else protocol.asked(exchange)


def read_answer(exchange: Exchange) -> Answer | None:
    """What the exchange's response says; None without one, and where its protocol or its times are not known."""
    protocol = PROTOCOLS.get(exchange.operation)
    if protocol is None or exchange.response is None or exchange.fidelity is not Fidelity.WIRE:
        return None
    return protocol.answer(exchange.response)


def is_event_stream(response: Response | None) -> bool:
    """Whether a response is labelled an event stream."""
    kind = response.header("content-type") if response else None
    return kind is not None and kind.partition(";")[0].strip().lower() == EVENT_STREAM


def _openai_asked(exchange: Exchange) -> Asked:
    try:
        request = openai.decode_request(exchange.request.body)
    except DecodeError:
        return Asked(None, is_event_stream(exchange.response))
    return Asked(request.model, request.stream)


def _openai_answer(response: Response) -> Answer:
    if is_event_stream(response):
        return _openai_stream(response)
    try:
        completion = openai.decode_completion(response.body)
    except DecodeError:
        return Answer(streamed=False)
    return Answer(False, chars=len(completion.text), tokens=_tokens(completion.usage, bool(completion.text)))


def _openai_stream(response: Response) -> Answer:
    stream = openai.decode_stream(response.body)
    ends = [segment.end for segment in response.segments]
    chunks = []
    for event in stream.events:
        if event.kind is openai.Kind.CHUNK and event.data.get("choices"):
            read = min(bisect_right(ends, event.end - 1), len(ends) - 1)
            at_ns = response.segments[read].at_ns if ends else response.at_ns
            chunks.append(Chunk(at_ns, max(read, 0), len(event.text)))
    text = stream.text
    return Answer(True, tuple(chunks), len(text), _tokens(stream.usage, bool(text)))


def _tokens(usage: object, delivered: bool) -> int | None:
    """The output tokens of a usage that can be believed."""
    sane = openai.sane_usage(usage, delivered)
    return None if sane is None else sane[1]


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({"chat.completions": Protocol(_openai_asked, _openai_answer)})
"""By the name of the call. A protocol that is not here has its bytes timed, and its content left unread."""
