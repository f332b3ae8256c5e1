"""Anthropic's messages, as its own API carries them (and others, in the same event streams).

An answer without any block of content is legal in this protocol, and still answers nothing: who asked for a chat
completion gets no choice from it. It counts as no answer here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.contracts.upstream import Answer, Asked, Said, Usage, is_event_stream
from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json
from harness.providers.anthropic import (
    ErrorBody,
    Kind,
    Stream,
    decode_error,
    decode_message,
    decode_request,
    decode_stream,
    is_count,
    read_error,
)

from .common import asked_with_system, pieces_of, translate, whole

FINISH_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "pause_turn": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
    }
)
"""A stop reason in the words of OpenAI's protocol."""

STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
"""The status that each type of error has where it comes before the stream (Anthropic API reference, errors)."""


def asked(exchange: Exchange) -> Asked | None:
    """What the provider was asked for."""
    return asked_of(exchange)


def asked_of(exchange: Exchange, *, model: str | None = None, stream: bool | None = None) -> Asked | None:
    """The same where model and the wish for a stream may be in the path; see ``providers.anthropic``."""
    try:
        request = decode_request(exchange.request.body, model=model, stream=stream)
    except DecodeError:
        return None
    return asked_with_system(exchange, request, request.messages)


def answer(exchange: Exchange) -> Answer:
    """What came back."""
    if exchange.status != 200:
        return Answer(error=said(decode_error(exchange.body), exchange.status))
    if is_event_stream(exchange):
        return streamed(decode_stream(exchange.body))
    try:
        message = decode_message(exchange.body)
    except DecodeError:
        return Answer()
    return whole(
        exchange,
        answered=bool(message.data["content"]),
        text=message.text,
        usage=usage_of(message.usage),
        finish_reasons=translate((message.stop_reason,) if message.stop_reason else (), FINISH_REASONS),
    )


def streamed(stream: Stream) -> Answer:
    """A stream of events; who reads it stops at ``message_stop``."""
    events = stream.events[: stream.done[0]] if stream.done else stream.events
    errors = [event for event in events if event.kind is Kind.ERROR]
    return Answer(
        streamed=True,
        readable=all(event.kind is not Kind.MALFORMED for event in events),
        answered=any(event.kind is Kind.BLOCK_START for event in events),
        ended=stream.terminal,
        failed=bool(errors),
        void=not stream.events,
        text="".join(event.text for event in events),
        usage=usage_of(stream.usage),
        finish_reasons=translate(stream.stop_reasons, FINISH_REASONS),
        pieces=pieces_of(events),
        error=said(read_error(errors[0].data), None) if errors else None,
    )


def usage_of(usage: Json) -> Usage | None:
    """Tokens in, those from the cache and into it among them, and out."""
    if usage is None:
        return None
    held = usage if isinstance(usage, dict) else {}
    into = held.get("input_tokens")
    cached = [held.get(f"cache_{how}_input_tokens") or 0 for how in ("creation", "read")]
    if is_count(into) and all(is_count(count) for count in cached):
        into += sum(cached)
    return Usage(into, held.get("output_tokens"), usage)


def said(error: ErrorBody | None, status: int | None) -> Said | None:
    """What an error says of itself; in band its type stands for the status."""
    if error is None:
        return None if status else Said()
    return Said(message=error.message, type=error.type, status=status or STATUSES.get(error.type or ""))
