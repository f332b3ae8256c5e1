"""Chat completions as ``openai``, ``groq`` and ``compatible`` speak them; the gateway's own clients read them too."""

from __future__ import annotations

from harness.contracts.upstream import Answer, Asked, Piece, Said, Usage, is_event_stream
from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json
from harness.framing.json import lenient
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
    read_error,
)

from .common import whole

CHAT = "chat.completions"
"""The operation of a chat completion, on either side."""


def asked(exchange: Exchange) -> Asked | None:
    """What the provider was asked for."""
    request = chat_request(exchange)
    if request is None:
        return None
    return Asked(
        model=request.model,
        stream=request.stream,
        messages=request.messages,
        max_tokens=request.max_tokens,
        parameters=lenient(exchange.request.body),
    )


def answer(exchange: Exchange) -> Answer:
    """What came back."""
    stream, completion, error = chat_answer(exchange)
    if stream is not None:
        return _streamed(stream)
    if completion is not None:
        return whole(
            exchange,
            answered=True,
            text=completion.text,
            usage=_usage(completion.usage),
            finish_reasons=(completion.finish_reason,) if completion.finish_reason else (),
        )
    said = Said(message=error.message, type=error.type, code=error.code, status=exchange.status) if error else None
    return Answer(error=said)


def chat_request(exchange: Exchange) -> ChatRequest | None:
    """The request of a chat completion, where it is one."""
    try:
        return decode_request(exchange.request.body)
    except DecodeError:
        return None


def chat_answer(exchange: Exchange) -> tuple[Stream | None, Completion | None, ErrorBody | None]:
    """The answer to a chat completion: one of the three, or none."""
    if exchange.status == 200 and is_event_stream(exchange):
        return decode_stream(exchange.body), None, None
    if exchange.status == 200:
        try:
            return None, decode_completion(exchange.body), None
        except DecodeError:
            return None, None, None
    return None, None, decode_error(exchange.body) if exchange.body else None


def _streamed(stream: Stream) -> Answer:
    before_done = stream.events[: stream.done[0]] if stream.done else stream.events
    return Answer(
        streamed=True,
        readable=all(event.kind is not Kind.MALFORMED for event in before_done),
        answered=any(_has_choices(event) for event in before_done),
        ended=stream.terminal,
        failed=bool(stream.errors),
        void=not stream.events,
        text="".join(event.text for event in before_done),
        usage=_usage(stream.usage),
        finish_reasons=stream.finish_reasons,
        pieces=tuple(Piece(event.index, event.start, event.end) for event in stream.content_events),
        error=_in_band(stream.errors[0].data) if stream.errors else None,
    )


def _has_choices(event: StreamEvent) -> bool:
    return event.kind is Kind.CHUNK and isinstance(event.data, dict) and bool(event.data.get("choices"))


def _usage(usage: Json) -> Usage | None:
    if usage is None:
        return None
    held = usage if isinstance(usage, dict) else {}
    return Usage(held.get("prompt_tokens"), held.get("completion_tokens"), usage)


def _in_band(data: Json) -> Said:
    """What an error event says; Groq's has the status in it, others have it for their code."""
    error = read_error(data)
    if error is None:
        return Said()
    held = error.data["error"] if isinstance(error.data["error"], dict) else {}
    named = (held.get(key) for key in ("status_code", "code"))
    status = next((one for one in named if isinstance(one, int)), None)
    return Said(message=error.message, type=error.type, code=error.code, status=status)
