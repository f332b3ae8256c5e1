"""The chat completions protocol as `openai`, `groq` and `compatible` speak it: reading what went over the wire.

Source: the OpenAI API reference (chat completions, streaming) and Groq's (``x_groq``). Readers take what real
endpoints send, their deviations included, and say what they saw; whether it was right is for the contracts to judge.
Tool calls, refusals and reasoning are no content here: ``text`` is what a plain chat client would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Json
from harness.framing import json, sse

from .streamed import Streamed

CALL, LIST = "chat.completions", "models.list"
DONE = "[DONE]"
MAX_TOKENS = 10_000_000
"""More tokens than any model has taken in one call: a larger figure is no usage."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks for. ``messages`` are (role, text), parts that are no text left out."""

    model: str
    stream: bool
    include_usage: bool
    max_tokens: int | None
    messages: tuple[tuple[str, str], ...]
    tie: str | None

    @property
    def prompt(self) -> str:
        """The messages' texts, joined by one space."""
        return " ".join(text for _, text in self.messages)


class Kind(StrEnum):
    """What an event of a stream is."""

    CHUNK = "chunk"
    DONE = "done"
    ERROR = "error"  # the event is called error, or its object has an error in it
    MALFORMED = "malformed"  # not JSON
    OTHER = "other"  # JSON, but no chunk


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event: its place in the stream, its bytes (``start``, ``end``), and what choice 0 has in it.

    ``data`` is the decoded object, ``raw`` its text; ``usage`` is as sent, whatever its type.
    """

    index: int
    start: int
    end: int
    kind: Kind
    data: Json
    text: str
    finish_reason: str | None
    usage: Json
    raw: str


@dataclass(frozen=True, slots=True)
class Stream(Streamed[StreamEvent]):
    """A streamed answer as far as it came; its text is the content of choice 0."""

    @property
    def finish_reasons(self) -> tuple[str, ...]:
        """Every finish reason of choice 0, in order: a sound stream has one."""
        return tuple(event.finish_reason for event in self.events if event.finish_reason is not None)

    @property
    def done(self) -> tuple[int, ...]:
        """The indexes of the ``[DONE]`` events."""
        return tuple(event.index for event in self.events if event.kind is Kind.DONE)

    @property
    def terminal(self) -> bool:
        """Whether the provider said that the answer is complete: a finish reason, or ``[DONE]``."""
        return any(event.finish_reason is not None or event.kind is Kind.DONE for event in self.events)

    @property
    def usage(self) -> Json:
        """The last usage that was sent, as sent; None where there was none."""
        return next((event.usage for event in reversed(self.events) if event.usage is not None), None)

    @property
    def ids(self) -> tuple[str, ...]:
        """The different ids of the chunks, in order: a sound stream has one."""
        sent = [event.data.get("id") for event in self.events if event.kind is Kind.CHUNK]
        return tuple(dict.fromkeys(id_ for id_ in sent if isinstance(id_, str)))


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer: choice 0 of it. ``usage`` is as sent, ``text`` empty where there is no content."""

    id: str
    model: str
    text: str
    finish_reason: str | None
    usage: Json
    data: Json


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error object says; a field that is absent or of another type is None (a message: empty)."""

    message: str
    type: str | None
    param: str | None
    code: str | int | None
    data: Json


def operation(method: str, path: str) -> str | None:
    """The call's name, whatever prefix the base URL has; None where it is none of this protocol."""
    plain = path.split("?", 1)[0]
    if method == "POST" and plain.endswith("/chat/completions"):
        return CALL
    if method == "GET" and plain.endswith("/models"):
        return LIST
    return None


def decode_request(body: bytes) -> ChatRequest:
    """A request for a chat completion.

    Raises:
        DecodeError: not JSON, or a field that the call cannot do without is missing or of the wrong type.
    """
    data = json.loads(body)
    if not isinstance(data, dict):
        raise DecodeError("the request is no JSON object")
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise DecodeError("'model' is no text")
    options = data.get("stream_options") or {}
    if not isinstance(options, dict):
        raise DecodeError("'stream_options' is no object")
    messages = _messages(data.get("messages"))
    return ChatRequest(
        model=model,
        stream=_flag(data, "stream"),
        include_usage=_flag(options, "include_usage"),
        max_tokens=_limit(data),
        messages=messages,
        tie=next((tie for _, text in messages if (tie := find_tie(text))), None),
    )


def decode_stream(body: bytes) -> Stream:
    """A streamed answer, complete or not. Takes any bytes."""
    decoded = sse.decode(body)
    events = tuple([_event(index, event) for index, event in enumerate(decoded.events)])
    return Stream(events, decoded.comments, decoded.strays, decoded.tail)


def decode_completion(body: bytes) -> Completion:
    """A whole answer.

    Raises:
        DecodeError: not JSON, no object, or it has no choice with a message in it.
    """
    data = json.lenient(body)
    if not isinstance(data, dict):
        raise DecodeError("the answer is no JSON object")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        raise DecodeError("the answer has no choices")
    choice = _choice(choices) or choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise DecodeError("the answer's choice has no message")
    return Completion(
        id=_text(data.get("id")) or "",
        model=_text(data.get("model")) or "",
        text=_content(message.get("content")),
        finish_reason=_text(choice.get("finish_reason")),
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
    if isinstance(data, list) and len(data) == 1:  # some compatible endpoints wrap the object
        data = data[0]
    if not isinstance(data, dict):
        return None
    error = data.get("error")
    if isinstance(error, str) and error:
        return ErrorBody(error, None, None, None, data)
    if not isinstance(error, dict) or not error:
        return None
    code = error.get("code")
    return ErrorBody(
        message=_text(error.get("message")) or "",
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        code=code if isinstance(code, str | int) and not isinstance(code, bool) else None,
        data=data,
    )


def sane_usage(usage: Json, text_delivered: bool) -> tuple[int, int] | None:
    """Prompt and completion tokens where both can be believed, else None.

    Each must be a whole number from 0 to ``MAX_TOKENS``, and a text that was delivered cost more than 0.
    """
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (_is_count(prompt) and _is_count(completion)):
        return None
    if completion == 0 and text_delivered:
        return None
    return prompt, completion


def _event(index: int, event: sse.Event) -> StreamEvent:
    """What one event of the stream is, and what it says."""
    raw = event.data
    text = ""
    finish_reason = usage = data = None
    if raw.strip() == DONE:
        kind = Kind.DONE
    else:
        try:
            data = json.lenient(raw)
            kind = _kind(data, event.type)
        except DecodeError:
            kind = Kind.ERROR if event.type == "error" else Kind.MALFORMED
    if isinstance(data, dict):
        usage = _usage(data)
        choice = _choice(data.get("choices"))
        if choice is not None:
            delta = choice.get("delta")
            if isinstance(delta, dict):
                content = delta.get("content")
                text = content if isinstance(content, str) else _content(content)
            finish_reason = _text(choice.get("finish_reason"))
    return StreamEvent(index, event.start, event.end, kind, data, text, finish_reason, usage, raw)


def _kind(data: Json, event_type: str) -> Kind:
    if event_type == "error" or (isinstance(data, dict) and data.get("error")):
        return Kind.ERROR
    if isinstance(data, dict) and (
        isinstance(data.get("choices"), list) or data.get("object") == "chat.completion.chunk"
    ):
        return Kind.CHUNK
    return Kind.OTHER


def _usage(data: dict[str, Json]) -> Json:
    """The usage of a chunk; Groq has one of its own beside or in place of the common one."""
    usage = data.get("usage")
    if usage is None:
        groq = data.get("x_groq")
        if isinstance(groq, dict):
            return groq.get("usage")
    return usage


def _choice(choices: Json) -> dict[str, Json] | None:
    """Choice 0 of a list of choices; one without an index counts as 0."""
    if isinstance(choices, list):
        for choice in choices:
            if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
                return choice
    return None


def _content(content: Json) -> str:
    """The text of a message's content: a string, or parts of which the text ones count."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(
        part["text"]
        for part in content
        if isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str)
    )


def _messages(messages: Json) -> tuple[tuple[str, str], ...]:
    if not isinstance(messages, list) or not messages:
        raise DecodeError("'messages' is no list with something in it")
    found: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str):
            raise DecodeError("a message has no role", where=f"messages[{number}]")
        content = message.get("content")
        if content is not None and not isinstance(content, str | list):
            raise DecodeError("the content is neither text nor a list of parts", where=f"messages[{number}]")
        found.append((role, _content(content)))
    return tuple(found)


def _limit(data: dict[str, Json]) -> int | None:
    """The output limit; ``max_completion_tokens`` is the newer name."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = data.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise DecodeError(f"'{name}' is no whole number")
        return value
    return None


def _flag(data: dict[str, Json], name: str) -> bool:
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise DecodeError(f"'{name}' is neither true nor false")
    return value


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _is_count(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
