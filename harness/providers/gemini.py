"""Gemini's protocol (generateContent, streamGenerateContent) as Vertex AI and the Gemini API speak it: reading.

Source: the Vertex AI and Gemini API references. With ``alt=sse`` a stream is an event stream with no terminal of its
own: the last chunk has a ``finishReason``. Without it, it is one JSON array. Errors on either are plain JSON, whatever
they are labelled. Readers take what real endpoints send and say what they saw; judging is for the contracts. Thoughts
and function calls are no content here: ``text`` is what a plain chat client would show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Json
from harness.framing import json, jsonlist, sse

from .streamed import Streamed

MAX_TOKENS = 10_000_000
"""More tokens than any model has taken in one call: a larger figure is no usage."""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What a client asks for. ``contents`` are (role, text), parts that are no text left out; so is ``system``.

    ``events``: a stream is to be an event stream (``alt=sse``), not an array.
    """

    model: str
    stream: bool
    events: bool
    max_tokens: int | None
    contents: tuple[tuple[str, str], ...]
    system: str
    tie: str | None

    @property
    def prompt(self) -> str:
        """The system instruction, where there is one, and the contents' texts, joined by one space."""
        return " ".join([*([self.system] if self.system else []), *[text for _, text in self.contents]])


class Kind(StrEnum):
    """What an event of a stream is."""

    CHUNK = "chunk"
    ERROR = "error"  # its object has an error in it
    MALFORMED = "malformed"  # not JSON
    OTHER = "other"  # JSON, but no chunk


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One chunk: its place in the stream, its bytes (``start``, ``end``), and what candidate 0 has in it.

    ``finish_reason`` is a word, or the number of one where the client asked for numbers. ``usage`` is as sent.
    """

    index: int
    start: int
    end: int
    kind: Kind
    data: Json
    text: str
    finish_reason: str | int | None
    usage: Json
    raw: str

    @property
    def block_reason(self) -> Json:
        """Why the prompt was refused, where it was: there are no candidates then."""
        return _object(self.data, "promptFeedback").get("blockReason")


@dataclass(frozen=True, slots=True)
class Stream(Streamed[StreamEvent]):
    """A streamed answer as far as it came; its text is that of candidate 0.

    ``closed`` says of an array, or of a document that stands in the place of a stream, whether its end is there; of an
    event stream nothing (None).
    """

    closed: bool | None = None

    @property
    def finish_reasons(self) -> tuple[str | int, ...]:
        """Every finish reason of candidate 0, in order: a sound stream has one."""
        return tuple(event.finish_reason for event in self.events if event.finish_reason is not None)

    @property
    def terminal(self) -> bool:
        """Whether the provider said that the answer is complete: a finish reason, or the prompt refused."""
        return any(event.finish_reason is not None or event.block_reason is not None for event in self.events)

    @property
    def ids(self) -> tuple[str, ...]:
        """The different ids of the chunks, in order: a sound stream has one."""
        sent = [event.data.get("responseId") for event in self.events if event.kind is Kind.CHUNK]
        return tuple(dict.fromkeys(id_ for id_ in sent if isinstance(id_, str)))

    @property
    def usage(self) -> Json:
        """The last usage with a count in it, as sent; None where there was none. Most chunks of Vertex AI have none."""
        return next((event.usage for event in reversed(self.events) if _counts(event.usage)), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: candidate 0 of it. ``usage`` is as sent, ``text`` empty where there is no text."""

    id: str
    model: str
    text: str
    finish_reason: str | int | None
    usage: Json
    data: Json


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error object says; a field that is absent or of another type is None (a message: empty)."""

    message: str
    code: int | None
    status: str | None
    data: Json


def decode_request(body: bytes, *, model: str, stream: bool, events: bool = True) -> GenerateRequest:
    """A request for content; model and form of the answer are what the path says.

    Raises:
        DecodeError: not JSON, or a field that the call cannot do without is missing or of the wrong type.
    """
    data = json.loads(body)
    if not isinstance(data, dict):
        raise DecodeError("the request is no JSON object")
    contents = _contents(data.get("contents"))
    system = _text_of(_either(data, "systemInstruction", "system_instruction"))
    texts = [system, *[text for _, text in contents]]
    return GenerateRequest(
        model=model,
        stream=stream,
        events=events,
        max_tokens=_limit(_either(data, "generationConfig", "generation_config")),
        contents=contents,
        system=system,
        tie=next((tie for text in texts if (tie := find_tie(text))), None),
    )


def decode_stream(body: bytes) -> Stream:
    """A streamed answer in any of its forms, complete or not. Takes any bytes."""
    if body.lstrip()[:1] in (b"[", b"{"):
        listed = jsonlist.decode(body)
        items = [_event(index, item.text, item.start, item.end) for index, item in enumerate(listed.items)]
        return Stream(tuple(items), tail=listed.tail, closed=listed.closed)
    decoded = sse.decode(body)
    events = [_event(index, event.data, event.start, event.end) for index, event in enumerate(decoded.events)]
    return Stream(tuple(events), decoded.comments, decoded.strays, decoded.tail)


def decode_answer(body: bytes) -> Answer:
    """A whole answer.

    Raises:
        DecodeError: not JSON, no object, or it has no candidate and does not say that the prompt was refused.
    """
    data = json.lenient(body)
    if not isinstance(data, dict):
        raise DecodeError("the answer is no JSON object")
    candidate = _candidate(data)
    if candidate is None and "promptFeedback" not in data:
        raise DecodeError("the answer has no candidates")
    return Answer(
        id=_text(data.get("responseId")) or "",
        model=_text(data.get("modelVersion")) or "",
        text=_text_of((candidate or {}).get("content")),
        finish_reason=_reason(candidate),
        usage=data.get("usageMetadata"),
        data=data,
    )


def decode_error(body: bytes) -> ErrorBody | None:
    """What an error body says, or None where it is none of this protocol's (HTML of a proxy, for example)."""
    try:
        return read_error(json.lenient(body))
    except DecodeError:
        return None


def read_error(data: Json) -> ErrorBody | None:
    """The same for decoded JSON: a body, the only element of an array, or the data of an event."""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    error = _object(data, "error")
    if not error:
        return None
    code = error.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    return ErrorBody(_text(error.get("message")) or "", number, _text(error.get("status")), data)


def sane_usage(usage: Json, text_delivered: bool) -> tuple[int, int] | None:
    """Tokens in (tools' results too) and out (thoughts too) where both can be believed, else None.

    Each count must be a whole number from 0 to ``MAX_TOKENS``, and a text that was delivered cost more than 0.
    """
    if not isinstance(usage, dict):
        return None
    into = [usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount") or 0]
    made = usage.get("candidatesTokenCount", None if text_delivered else 0)
    counts = [*into, made, usage.get("thoughtsTokenCount") or 0]
    sane = [count for count in counts if is_count(count)]
    if len(sane) < len(counts) or (made == 0 and text_delivered):
        return None
    return sum(sane[:2]), sum(sane[2:])


def is_count(value: Json) -> TypeGuard[int]:
    """Whether a value can be a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS


def _event(index: int, raw: str, start: int, end: int) -> StreamEvent:
    """What one event of the stream is, and what it says."""
    try:
        data = json.lenient(raw)
    except DecodeError:
        return StreamEvent(index, start, end, Kind.MALFORMED, None, "", None, None, raw)
    candidate = _candidate(data)
    usage = data.get("usageMetadata") if isinstance(data, dict) else None
    text = _text_of((candidate or {}).get("content"))
    return StreamEvent(index, start, end, _kind(data), data, text, _reason(candidate), usage, raw)


def _counts(usage: Json) -> bool:
    """Whether a usage says something of the tokens; one that is no object says it badly."""
    if not isinstance(usage, dict):
        return usage is not None
    return any(name.endswith("TokenCount") for name in usage)


def _kind(data: Json) -> Kind:
    if not isinstance(data, dict):
        return Kind.OTHER
    if data.get("error"):
        return Kind.ERROR
    known = ("candidates", "usageMetadata", "promptFeedback")
    return Kind.CHUNK if any(name in data for name in known) else Kind.OTHER


def _candidate(data: Json) -> dict[str, Json] | None:
    """Candidate 0; one without an index counts as 0."""
    candidates = data.get("candidates") if isinstance(data, dict) else None
    for candidate in candidates if isinstance(candidates, list) else ():
        if isinstance(candidate, dict) and candidate.get("index", 0) == 0:
            return candidate
    return None


def _reason(candidate: dict[str, Json] | None) -> str | int | None:
    reason = (candidate or {}).get("finishReason")
    return reason if isinstance(reason, str | int) and not isinstance(reason, bool) else None


def _text_of(content: Json) -> str:
    """The text of a content's parts; thoughts are none."""
    parts: Iterable[Json] = _object({"content": content}, "content").get("parts") or ()
    texts = [part.get("text") for part in parts if isinstance(part, dict) and not part.get("thought")]
    return "".join([text for text in texts if isinstance(text, str)])


def _contents(contents: Json) -> tuple[tuple[str, str], ...]:
    if not isinstance(contents, list) or not contents:
        raise DecodeError("contents is not specified")
    found: list[tuple[str, str]] = []
    for number, content in enumerate(contents):
        parts = content.get("parts") if isinstance(content, dict) else None
        if not isinstance(parts, list) or not parts:
            raise DecodeError(f"contents[{number}].parts: must not be empty")
        role = content.get("role", "user")
        if role not in ("user", "model"):
            raise DecodeError(f"contents[{number}].role: use 'user' or 'model'")
        found.append((role, _text_of(content)))
    return tuple(found)


def _limit(config: Json) -> int | None:
    """The output limit, where one is given."""
    if not isinstance(config, dict):
        return None
    value = _either(config, "maxOutputTokens", "max_output_tokens")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise DecodeError("generationConfig.maxOutputTokens: a whole number from 1 up is required")
    return value


def _either(data: dict[str, Json], name: str, other: str) -> Json:
    """A field by its name, or by its name in the schema, which the API takes too."""
    return data.get(name, data.get(other))


def _object(data: Json, name: str) -> dict[str, Json]:
    """The object under a name of an object; an empty one where there is none."""
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
