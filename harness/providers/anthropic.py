"""Anthropic's Messages protocol: reading what went over the wire.

Source: the Anthropic API reference (messages, streaming, errors). The same bodies are carried by others: Vertex AI
(``:rawPredict``, ``:streamRawPredict``; event streams too) and Bedrock (``invoke``; each event in a binary frame).
So an event is read from its JSON text (``read_event``) and a request may have its model and its wish for a stream from
its path. Readers take what real endpoints send and say what they saw; judging is for the contracts. Tool calls and
thinking are no content here: ``text`` is what a plain chat client would show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Json
from harness.framing import json, sse

from .streamed import Streamed

CALL, LIST = "messages", "models.list"
MAX_TOKENS = 10_000_000
"""More tokens than any model has taken in one call: a larger figure is no usage."""


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """What a client asks for. ``messages`` are (role, text), blocks that are no text left out; so is ``system``."""

    model: str
    stream: bool
    max_tokens: int
    messages: tuple[tuple[str, str], ...]
    system: str
    tie: str | None

    @property
    def prompt(self) -> str:
        """The system prompt, where there is one, and the messages' texts, joined by one space."""
        return " ".join([*([self.system] if self.system else []), *[text for _, text in self.messages]])


class Kind(StrEnum):
    """What an event of a stream is: its own ``type``, or why it has none that is known."""

    MESSAGE_START = "message_start"
    BLOCK_START = "content_block_start"
    BLOCK_DELTA = "content_block_delta"
    BLOCK_STOP = "content_block_stop"
    MESSAGE_DELTA = "message_delta"
    MESSAGE_STOP = "message_stop"
    PING = "ping"
    ERROR = "error"
    MALFORMED = "malformed"  # not JSON
    OTHER = "other"  # JSON of no type that is known: new ones may be added, says the documentation


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event: its place in the stream, its bytes (``start``, ``end``), and what is in it.

    ``name`` is the event's own in its framing (an event stream's ``event`` field, ``message`` where it had none),
    ``data`` the decoded object, ``raw`` its text, ``text`` what it adds to the answer's text.
    """

    index: int
    start: int
    end: int
    name: str
    kind: Kind
    data: Json
    text: str
    raw: str

    @property
    def stop_reason(self) -> str | None:
        """Why the answer ended, where this is the event that says so."""
        return _text(_object(self.data, "delta").get("stop_reason")) if self.kind is Kind.MESSAGE_DELTA else None

    @property
    def usage(self) -> Json:
        """The usage that the event has in it, as sent; None where there is none."""
        if self.kind is Kind.MESSAGE_START:
            return _object(self.data, "message").get("usage")
        return self.data.get("usage") if self.kind is Kind.MESSAGE_DELTA else None


@dataclass(frozen=True, slots=True)
class Stream(Streamed[StreamEvent]):
    """A streamed answer as far as it came; its text is that of all text blocks."""

    @property
    def stop_reasons(self) -> tuple[str, ...]:
        """Every reason given for the answer's end, in order: a sound stream has one."""
        return tuple(event.stop_reason for event in self.events if event.stop_reason is not None)

    @property
    def done(self) -> tuple[int, ...]:
        """The indexes of the ``message_stop`` events."""
        return tuple(event.index for event in self.events if event.kind is Kind.MESSAGE_STOP)

    @property
    def terminal(self) -> bool:
        """Whether the provider said that the answer is complete: a stop reason, or ``message_stop``."""
        return any(event.stop_reason is not None or event.kind is Kind.MESSAGE_STOP for event in self.events)

    @property
    def ids(self) -> tuple[str, ...]:
        """The different ids of the messages begun, in order: a sound stream has one."""
        begun = [_object(event.data, "message").get("id") for event in self.events if event.kind is Kind.MESSAGE_START]
        return tuple(dict.fromkeys(id_ for id_ in begun if isinstance(id_, str)))

    @property
    def usage(self) -> Json:
        """The first usage with the later ones over it, as counts are cumulative; None where there was none."""
        sent = [event.usage for event in self.events if event.usage is not None]
        if not all(isinstance(usage, dict) for usage in sent):
            return sent[-1]
        merged: dict[str, Json] = {}
        for usage in sent:
            merged |= {name: count for name, count in usage.items() if count is not None}
        return merged if sent else None


@dataclass(frozen=True, slots=True)
class Message:
    """A whole answer. ``usage`` is as sent, ``text`` empty where there is no text block."""

    id: str
    model: str
    text: str
    stop_reason: str | None
    usage: Json
    data: Json


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error object says; a field that is absent or of another type is None (a message: empty)."""

    message: str
    type: str | None
    request_id: str | None
    data: Json


def operation(method: str, path: str) -> str | None:
    """The call's name, whatever prefix the base URL has; None where it is none of this protocol."""
    plain = path.split("?", 1)[0]
    if method == "POST" and plain.endswith("/messages"):
        return CALL
    if method == "GET" and plain.endswith("/models"):
        return LIST
    return None


def decode_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> MessageRequest:
    """A request for a message. ``model`` and ``stream`` are what the path says, where the protocol has them there.

    Raises:
        DecodeError: not JSON, or a field that the call cannot do without is missing or of the wrong type.
    """
    data = json.loads(body)
    if not isinstance(data, dict):
        raise DecodeError("the request is no JSON object")
    asked = data.get("model") if model is None else model
    if not isinstance(asked, str) or not asked:
        raise DecodeError("model: no text")
    messages = _messages(data.get("messages"))
    system = data.get("system")
    if system is not None and not isinstance(system, str | list):
        raise DecodeError("system: neither text nor a list of blocks")
    texts = [text_of(system), *[text for _, text in messages]]
    return MessageRequest(
        model=asked,
        stream=_flag(data, "stream") if stream is None else stream,
        max_tokens=_limit(data),
        messages=messages,
        system=texts[0],
        tie=next((tie for text in texts if (tie := find_tie(text))), None),
    )


def decode_stream(body: bytes) -> Stream:
    """An event stream, complete or not. Takes any bytes."""
    decoded = sse.decode(body)
    events = tuple(
        [
            read_event(index, event.data, name=event.type, start=event.start, end=event.end)
            for index, event in enumerate(decoded.events)
        ]
    )
    return Stream(events, decoded.comments, decoded.strays, decoded.tail)


def read_event(index: int, raw: str, *, name: str = "message", start: int = 0, end: int = 0) -> StreamEvent:
    """One event from its JSON text, in whatever frame it came. Takes any text."""
    try:
        data = json.lenient(raw)
    except DecodeError:
        kind = Kind.ERROR if name == Kind.ERROR else Kind.MALFORMED
        return StreamEvent(index, start, end, name, kind, None, "", raw)
    return event_of(index, data, raw, name=name, start=start, end=end)


def event_of(index: int, data: Json, raw: str, *, name: str, start: int, end: int) -> StreamEvent:
    """One event from what was decoded already."""
    kind = _kind(data, name)
    return StreamEvent(index, start, end, name, kind, data, _event_text(kind, data), raw)


def decode_message(body: bytes) -> Message:
    """A whole answer.

    Raises:
        DecodeError: not JSON, no object, or it has no list of content blocks.
    """
    data = json.lenient(body)
    if not isinstance(data, dict):
        raise DecodeError("the answer is no JSON object")
    if not isinstance(data.get("content"), list):
        raise DecodeError("the answer has no content")
    return Message(
        id=_text(data.get("id")) or "",
        model=_text(data.get("model")) or "",
        text=text_of(data["content"]),
        stop_reason=_text(data.get("stop_reason")),
        usage=data.get("usage"),
        data=data,
    )


def decode_error(body: bytes) -> ErrorBody | None:
    """What an error body says, or None where it is none of this protocol's (HTML of a proxy, for example)."""
    try:
        return read_error(json.lenient(body))
    except DecodeError:
        return None


def read_error(data: Json) -> ErrorBody | None:
    """The same for decoded JSON: a body, or the data of an error event."""
    error = _object(data, "error")
    if not error:
        return None
    return ErrorBody(_text(error.get("message")) or "", _text(error.get("type")), _text(data.get("request_id")), data)


def sane_usage(usage: Json, text_delivered: bool) -> tuple[int, int] | None:
    """Tokens in (cached ones too) and out where both can be believed, else None.

    Each count must be a whole number from 0 to ``MAX_TOKENS``, and a text that was delivered cost more than 0.
    """
    if not isinstance(usage, dict):
        return None
    cached = [usage.get(f"cache_{how}_input_tokens") or 0 for how in ("creation", "read")]
    into = [usage.get("input_tokens"), *cached]
    out = usage.get("output_tokens")
    counted = [count for count in into if is_count(count)]
    if len(counted) < len(into) or not is_count(out) or (out == 0 and text_delivered):
        return None
    return sum(counted), out


def is_count(value: Json) -> TypeGuard[int]:
    """Whether a value can be a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS


def text_of(content: Json) -> str:
    """The text of a content: a string, or blocks of which the text ones count."""
    if isinstance(content, str):
        return content
    blocks: Iterable[Json] = content if isinstance(content, list) else ()
    return "".join([_block_text(block) for block in blocks])


def _block_text(block: Json) -> str:
    """A text block's text; a citation or a tool's result has none that counts."""
    if isinstance(block, dict) and block.get("type") == "text":
        return _text(block.get("text")) or ""
    return ""


def _kind(data: Json, name: str) -> Kind:
    """An event's kind by what it says of itself, and by its name where it says nothing."""
    if name == Kind.ERROR:
        return Kind.ERROR
    if not isinstance(data, dict):
        return Kind.OTHER
    if data.get("error"):
        return Kind.ERROR
    said = data.get("type", name)
    return Kind(said) if said in _SENT else Kind.OTHER


_SENT = [kind.value for kind in Kind if kind not in (Kind.MALFORMED, Kind.OTHER)]


def _event_text(kind: Kind, data: Json) -> str:
    if kind is Kind.BLOCK_START:
        return _block_text(data.get("content_block"))
    if kind is Kind.BLOCK_DELTA:
        delta = _object(data, "delta")
        return (_text(delta.get("text")) or "") if delta.get("type") == "text_delta" else ""
    return ""


def _messages(messages: Json) -> tuple[tuple[str, str], ...]:
    if not isinstance(messages, list) or not messages:
        raise DecodeError("messages: no list with something in it")
    found: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str):
            raise DecodeError(f"messages.{number}.role: no text")
        content = message.get("content")
        if not isinstance(content, str | list):
            raise DecodeError(f"messages.{number}.content: neither text nor a list of blocks")
        found.append((role, text_of(content)))
    return tuple(found)


def _limit(data: dict[str, Json]) -> int:
    """The output limit, which this protocol always has."""
    value = data.get("max_tokens")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DecodeError("max_tokens: a whole number is required")
    return value


def _flag(data: dict[str, Json], name: str) -> bool:
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise DecodeError(f"{name}: neither true nor false")
    return value


def _object(data: Json, name: str) -> dict[str, Json]:
    """The object under a name of an object; an empty one where there is none."""
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
