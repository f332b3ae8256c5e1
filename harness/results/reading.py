"""What the body of an answer says, and when: the one place where latency meets the protocols.

An event is there when its last byte is. What comes out knows nothing of the protocol any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Fidelity, Json, Response
from harness.framing import sse
from harness.framing.json import loads
from harness.providers import anthropic, bedrock, gemini, openai, vertex
from harness.systems import chat

EVENT_STREAM = "text/event-stream"
FRAMES = "application/vnd.amazon.eventstream"


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
class Readers:
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
    return _label(response) == EVENT_STREAM


def _openai_asked(exchange: Exchange) -> Asked:
    try:
        request = openai.decode_request(exchange.request.body)
    except DecodeError:
        return Asked(None, is_event_stream(exchange.response))
    return Asked(request.model, request.stream)


def _openai_answer(response: Response) -> Answer:
    if is_event_stream(response):
        stream = openai.decode_stream(response.body)
        events = [one for one in stream.events if one.kind is openai.Kind.CHUNK and one.data.get("choices")]
        return _streamed(response, events, stream.text, openai.sane_usage(stream.usage, bool(stream.text)))
    try:
        whole = openai.decode_completion(response.body)
    except DecodeError:
        return Answer(streamed=False)
    return _plain(whole.text, openai.sane_usage(whole.usage, bool(whole.text)))


def _claude_asked(exchange: Exchange) -> Asked:
    """Of Anthropic itself, or on Vertex AI with the model and the wish for a stream in the path."""
    path = vertex.target(exchange.request.method, _path(exchange))
    model, stream = (path.model, path.stream) if path is not None and path.model else (None, None)
    try:
        request = anthropic.decode_request(exchange.request.body, model=model, stream=stream)
    except DecodeError:
        return Asked(model, is_event_stream(exchange.response))
    return Asked(request.model, request.stream)


_SPEAKING = (anthropic.Kind.BLOCK_START, anthropic.Kind.BLOCK_DELTA, anthropic.Kind.MESSAGE_DELTA)


def _claude_answer(response: Response) -> Answer:
    if is_event_stream(response):
        stream = anthropic.decode_stream(response.body)
        events = [one for one in stream.events if one.kind in _SPEAKING]
        return _streamed(response, events, stream.text, anthropic.sane_usage(stream.usage, bool(stream.text)))
    try:
        whole = anthropic.decode_message(response.body)
    except DecodeError:
        return Answer(streamed=False)
    return _plain(whole.text, anthropic.sane_usage(whole.usage, bool(whole.text)))


def _bedrock_asked(exchange: Exchange) -> Asked:
    found = bedrock.target(exchange.request.method, _path(exchange))
    return Asked(found[1] if found else None, exchange.operation.endswith("-stream"))


def _bedrock_answer(response: Response) -> Answer:
    if _label(response) == FRAMES:
        stream = bedrock.decode_stream(response.body)
        events = [one for one in stream.events if one.kind is bedrock.Kind.EVENT and one.name != "metadata"]
        return _streamed(response, events, stream.text, _pair(stream.usage, stream.text))
    try:
        whole = bedrock.decode_answer(response.body)
    except DecodeError:
        return Answer(streamed=False)
    return _plain(whole.text, _pair(whole.usage, whole.text))


def _gemini_asked(exchange: Exchange) -> Asked:
    found = vertex.target(exchange.request.method, _path(exchange))
    return Asked(found.model, found.stream) if found else Asked(None, is_event_stream(exchange.response))


def _gemini_answer(response: Response) -> Answer:
    if is_event_stream(response):
        stream = gemini.decode_stream(response.body)
        events = [one for one in stream.events if one.kind is gemini.Kind.CHUNK and one.data.get("candidates")]
        return _streamed(response, events, stream.text, gemini.sane_usage(stream.usage, bool(stream.text)))
    try:
        whole = gemini.decode_answer(response.body)
    except DecodeError:
        return Answer(streamed=False)
    return _plain(whole.text, gemini.sane_usage(whole.usage, bool(whole.text)))


def _chat_asked(exchange: Exchange) -> Asked:
    """Of the system chat: its streams are always streamed."""
    name = _object(exchange.request.body).get("modelId")
    return Asked(name if isinstance(name, str) else None, stream=True)


def _chat_answer(response: Response) -> Answer:
    """Its usage is the target's own word: what a client is told, as in any other protocol."""
    if not is_event_stream(response):
        return Answer(streamed=False)
    told = [_Told(event.end, event.type, _object(event.data.encode())) for event in sse.decode(response.body).events]
    text = "".join(event.text for event in told)
    usage = next((event.data.get("usage") for event in told if event.name == chat.DONE), None)
    pair = tuple(usage.get(field) for field in chat.USAGE_FIELDS) if isinstance(usage, dict) else None
    used = _pair((pair[0], pair[1]), text) if pair else None
    return _streamed(response, [event for event in told if event.name == chat.DELTA], text, used)


@dataclass(frozen=True, slots=True)
class _Told:
    """An event of a chat's stream."""

    end: int
    name: str
    data: dict[str, Json]

    @property
    def text(self) -> str:
        """The words in a delta."""
        found = self.data.get("text") if self.name == chat.DELTA else None
        return found if isinstance(found, str) else ""


class _Event(Protocol):
    """What the events of all streams have."""

    @property
    def end(self) -> int: ...
    @property
    def text(self) -> str: ...


def _streamed(response: Response, events: Sequence[_Event], text: str, used: tuple[int, int] | None) -> Answer:
    """A stream whose events that say something are these; ``used`` are tokens in and out that can be believed."""
    ends = [segment.end for segment in response.segments]
    chunks = []
    for event in events:
        read = min(bisect_right(ends, event.end - 1), len(ends) - 1)
        at_ns = response.segments[read].at_ns if ends else response.at_ns
        chunks.append(Chunk(at_ns, max(read, 0), len(event.text)))
    return Answer(True, tuple(chunks), len(text), used[1] if used else None)


def _plain(text: str, used: tuple[int, int] | None) -> Answer:
    return Answer(False, chars=len(text), tokens=used[1] if used else None)


def _pair(usage: tuple[Json, Json] | None, text: str) -> tuple[int, int] | None:
    """The tokens of a pair that can be believed."""
    if usage is None:
        return None
    return openai.sane_usage({"prompt_tokens": usage[0], "completion_tokens": usage[1]}, bool(text))


def _object(data: bytes) -> dict[str, Json]:
    """A JSON object; an empty one for anything else."""
    try:
        found = loads(data)
    except DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _label(response: Response | None) -> str:
    kind = response.header("content-type") if response else None
    return (kind or "").partition(";")[0].strip().lower()


def _path(exchange: Exchange) -> str:
    return "/" + exchange.request.url.partition("://")[2].partition("/")[2]


_CLAUDE = Readers(_claude_asked, _claude_answer)

PROTOCOLS: Mapping[str, Readers] = MappingProxyType(
    {
        "chat.completions": Readers(_openai_asked, _openai_answer),
        chat.STREAM.name: Readers(_chat_asked, _chat_answer),
        "messages": _CLAUDE,
        **dict.fromkeys(vertex.CLAUDE_CALLS, _CLAUDE),
        **dict.fromkeys(bedrock.CALLS, Readers(_bedrock_asked, _bedrock_answer)),
        **dict.fromkeys(vertex.GEMINI_CALLS, Readers(_gemini_asked, _gemini_answer)),
    }
)
"""By the name of the call. A protocol that is not here has its bytes timed, and its content left unread."""
