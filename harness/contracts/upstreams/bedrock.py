"""Amazon Bedrock's runtime: Converse and the invoke calls of every family, plain and in binary frames.

Who reads a stream stops taking words at the frame that announces the end: the one with the stop reason, or an invoke
stream's metrics. As with Anthropic's messages, an answer without any content counts as no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.contracts.upstream import Answer, Asked, Said, Usage, label
from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json
from harness.framing.json import lenient
from harness.providers import anthropic as anthropic_wire
from harness.providers.bedrock import (
    CALLS,
    Kind,
    StreamEvent,
    decode_answer,
    decode_error,
    decode_request,
    decode_stream,
    error_type,
    has_metrics,
    target,
)

from . import anthropic
from .common import path_of, pieces_of, translate, whole

__all__ = ["CALLS", "FINISH_REASONS", "STATUSES", "answer", "asked"]

EVENT_STREAM = "application/vnd.amazon.eventstream"

FINISH_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "stop": "stop",
        "FINISH": "stop",
        "FINISHED": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "length": "length",
        "LENGTH": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
        "CONTENT_FILTERED": "content_filter",
    }
)
"""A stop reason of Converse, Titan text or Llama in the words of OpenAI's protocol."""

STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "validationException": 400,
        "accessDeniedException": 403,
        "resourceNotFoundException": 404,
        "modelTimeoutException": 408,
        "modelErrorException": 424,
        "modelStreamErrorException": 424,
        "throttlingException": 429,
        "internalServerException": 500,
        "serviceUnavailableException": 503,
    }
)
"""The status that each exception has where it comes before the stream (API reference, ConverseStream: errors)."""

_SILENT = frozenset({"messageStart", "contentBlockStop", "messageStop", "metadata"})
"""Frames of Converse, and of Nova's chunks, that hold no content."""


def asked(exchange: Exchange) -> Asked | None:
    """What the provider was asked for."""
    found = target(exchange.request.method, path_of(exchange.request.url))
    if found is None:
        return None
    try:
        request = decode_request(*found, exchange.request.body)
    except DecodeError:
        return None
    body = lenient(exchange.request.body)
    return Asked(
        model=request.model,
        stream=request.stream,
        messages=_messages(body, request.prompt),
        max_tokens=request.max_tokens,
        parameters=body,
    )


def answer(exchange: Exchange) -> Answer:
    """What came back."""
    if exchange.status != 200:
        return Answer(error=_refused(exchange))
    if label(exchange) == EVENT_STREAM:
        return _streamed(exchange)
    try:
        found = decode_answer(exchange.body)
    except DecodeError:
        return Answer()
    return whole(
        exchange,
        answered=_answered(found.data),
        text=found.text,
        usage=_usage(found.usage),
        finish_reasons=translate((found.stop_reason,) if found.stop_reason else (), FINISH_REASONS),
    )


def _streamed(exchange: Exchange) -> Answer:
    stream = decode_stream(exchange.body)
    end = next((event.index for event in stream.events if event.stop_reason is not None or has_metrics(event)), None)
    events = stream.events if end is None else stream.events[: end + 1]
    failed = [event for event in events if event.kind is Kind.EXCEPTION or _is_claudes_error(event)]
    torn = stream.trouble is not None and end is None
    return Answer(
        streamed=True,
        readable=not torn and all(event.kind in (Kind.EVENT, Kind.EXCEPTION) for event in events),
        answered=any(_has_content(event) for event in events),
        ended=end is not None,
        failed=bool(failed),
        void=not stream.events and not stream.tail,
        text="".join(event.text for event in events),
        usage=_usage(stream.usage),
        finish_reasons=translate(stream.stop_reasons[:1], FINISH_REASONS),
        pieces=pieces_of(events),
        error=_in_band(failed[0]) if failed else None,
    )


def _has_content(event: StreamEvent) -> bool:
    """Whether a frame holds some of the answer: words, or a tool call's beginning."""
    if event.kind is not Kind.EVENT or not isinstance(event.data, dict):
        return False
    if event.name != "chunk":
        return event.name not in _SILENT
    if "type" in event.data:  # Claude's events
        return bool(event.data["type"] == "content_block_start")
    names = set(event.data) - _SILENT
    return bool(event.text) or any(name.startswith("contentBlock") for name in names)


def _answered(data: Json) -> bool:
    """Whether a whole answer has an answer in it."""
    if "results" in data:
        return bool(data["results"])
    if "output" in data:
        message = data["output"].get("message") if isinstance(data["output"], dict) else None
        return bool(isinstance(message, dict) and message.get("content"))
    return "generation" in data or bool(data.get("content"))


def _messages(body: Json, prompt: str) -> tuple[tuple[str, str], ...]:
    """The messages by their roles; where the body has one prompt, that is the user's."""
    sent = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(sent, list):
        return (("user", prompt),)
    system = _text(body.get("system"))
    told = (("system", system),) if system else ()
    return (*told, *((str(one.get("role")), _text(one.get("content"))) for one in sent if isinstance(one, dict)))


def _text(content: Json) -> str:
    """The text of a content: a string, or blocks of which those with a text count."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else ()
    return "".join(block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str))


def _usage(usage: tuple[Json, Json] | None) -> Usage | None:
    return None if usage is None else Usage(*usage, raw=usage)


def _refused(exchange: Exchange) -> Said | None:
    message = decode_error(exchange.body)
    named = error_type(exchange.response.header("x-amzn-errortype") if exchange.response else None)
    if message is None and named is None:
        return None
    return Said(message=message or "", type=named, status=exchange.status)


def _is_claudes_error(event: StreamEvent) -> bool:
    """Whether a chunk holds Anthropic's own error event."""
    return event.name == "chunk" and isinstance(event.data, dict) and event.data.get("type") == "error"


def _in_band(event: StreamEvent) -> Said:
    if _is_claudes_error(event):
        return anthropic.said(anthropic_wire.read_error(event.data), None) or Said()
    told = event.data.get("message") if isinstance(event.data, dict) else None
    message = told if isinstance(told, str) else event.message.text(":error-message") or ""
    return Said(message=message, type=event.name, status=STATUSES.get(event.name[:1].lower() + event.name[1:]))
