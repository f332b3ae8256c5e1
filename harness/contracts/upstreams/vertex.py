"""Models on Vertex AI: Claude's messages and Gemini's content, each with the model in the path and Google's errors.

Gemini ends a stream by nothing but its finish reason. A stream of its that ends well by HTTP without any candidate
holds no answer, and counts as one with nothing in it. A prompt that was blocked is answered, by the block.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.contracts.upstream import Answer, Asked, Said, Usage, is_event_stream
from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json
from harness.providers import gemini
from harness.providers.gemini import Kind, StreamEvent, decode_answer, decode_stream
from harness.providers.vertex import CLAUDE_CALLS, GEMINI_CALLS, Target, target

from . import anthropic
from .common import asked_with_system, path_of, pieces_of, whole

__all__ = ["CALLS", "FINISH_REASONS", "answer", "asked"]

CALLS = (*CLAUDE_CALLS, *GEMINI_CALLS)

FINISH_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "STOP": "stop",
        "MAX_TOKENS": "length",
        "SAFETY": "content_filter",
        "RECITATION": "content_filter",
        "BLOCKLIST": "content_filter",
        "PROHIBITED_CONTENT": "content_filter",
        "SPII": "content_filter",
    }
)
"""A finish reason of Gemini's in the words of OpenAI's protocol."""

BLOCKED = "content_filter"
"""The same for a prompt that was blocked."""


def asked(exchange: Exchange) -> Asked | None:
    """What the provider was asked for."""
    found = _target(exchange)
    if found is None:
        return None
    if found.call in CLAUDE_CALLS:
        return anthropic.asked_of(exchange, model=found.model, stream=found.stream)
    try:
        request = gemini.decode_request(
            exchange.request.body, model=found.model, stream=found.stream, events=found.events
        )
    except DecodeError:
        return None
    return asked_with_system(exchange, request, request.contents)


def answer(exchange: Exchange) -> Answer:
    """What came back."""
    if exchange.status != 200:
        return Answer(error=_said(gemini.decode_error(exchange.body), exchange.status))
    asked_of = _target(exchange)
    if asked_of is not None and asked_of.call in CLAUDE_CALLS:
        return anthropic.answer(exchange)
    if is_event_stream(exchange):
        return _streamed(exchange)
    try:
        found = decode_answer(exchange.body)
    except DecodeError:
        return Answer()
    return whole(
        exchange,
        answered=_answers(found.data),
        text=found.text,
        usage=_usage(found.usage),
        finish_reasons=_reasons([found.data], found.finish_reason),
    )


def _streamed(exchange: Exchange) -> Answer:
    stream = decode_stream(exchange.body)
    end = next((event.index for event in stream.events if _ends(event)), None)
    events = stream.events if end is None else stream.events[: end + 1]
    errors = [event for event in events if event.kind is Kind.ERROR]
    answers = [event.data for event in events if event.kind is Kind.CHUNK and _answers(event.data)]
    last = stream.events[end] if end is not None else None
    return Answer(
        streamed=True,
        readable=all(event.kind is not Kind.MALFORMED for event in events),
        answered=bool(answers),
        ended=end is not None,
        failed=bool(errors),
        void=not answers,
        text="".join(event.text for event in events),
        usage=_usage(stream.usage),
        finish_reasons=_reasons(answers, last.finish_reason) if last else (),
        pieces=pieces_of(events),
        error=_said(gemini.read_error(errors[0].data), None) if errors else None,
    )


def _ends(event: StreamEvent) -> bool:
    return event.finish_reason is not None or event.block_reason is not None


def _answers(data: Json) -> bool:
    """Whether a chunk, or a whole answer, has a candidate in it, or says that there will be none."""
    if not isinstance(data, dict):
        return False
    feedback = data.get("promptFeedback")
    return bool(data.get("candidates")) or (isinstance(feedback, dict) and "blockReason" in feedback)


def _reasons(answers: list[Json], reason: str | int | None) -> tuple[str, ...]:
    """The finish reason; calls of functions are told as such, for which Gemini has no reason of its own."""
    if reason is None:
        return (BLOCKED,) if answers and not answers[-1].get("candidates") else ()
    word = FINISH_REASONS.get(str(reason), str(reason))
    return ("tool_calls",) if word == "stop" and any(_calls(data) for data in answers) else (word,)


def _calls(data: Json) -> bool:
    candidates = data.get("candidates") or [{}]
    content = candidates[0].get("content") if isinstance(candidates[0], dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return any(isinstance(part, dict) and "functionCall" in part for part in parts or ())


def _usage(usage: Json) -> Usage | None:
    """Tokens in, those of tools' results among them, and out, thoughts among them."""
    if usage is None:
        return None
    held = usage if isinstance(usage, dict) else {}
    return Usage(
        _sum(held, "promptTokenCount", "toolUsePromptTokenCount"),
        _sum(held, "candidatesTokenCount", "thoughtsTokenCount"),
        usage,
    )


def _sum(held: Mapping[str, Json], name: str, more: str) -> Json:
    count, other = held.get(name), held.get(more) or 0
    return count + other if gemini.is_count(count) and gemini.is_count(other) else count


def _said(error: gemini.ErrorBody | None, status: int | None) -> Said | None:
    if error is None:
        return None if status else Said()
    return Said(message=error.message, type=error.status, code=error.code, status=status or error.code)


def _target(exchange: Exchange) -> Target | None:
    request = exchange.request
    return target(request.method, path_of(request.url))
