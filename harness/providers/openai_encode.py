"""The chat completions protocol: the answers that simulated ``openai``, ``groq`` and ``compatible`` give.

What tells the three apart was counted in recorded traffic: forms of ids, Groq's ``x_groq`` and its errors without
``param``, OpenAI's padding (``obfuscation``), tiers and header fields. ``compatible`` is the least that works.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from harness.core.errors import UnknownName
from harness.core.fault import FAULTS, Body, Fault, Usage
from harness.core.names import Answer, Provider
from harness.core.recording import NO_FAULT, Headers, Json
from harness.framing import sse

from .openai import DONE, ChatRequest
from .plan import NOT_JSON, Parts, Plan, document, plain_plan, retry_after, stream_plan
from .reply import Reply, digest

HUGE = 10**15
MODELS: Mapping[Provider, tuple[str, ...]] = MappingProxyType(
    {
        Provider.OPENAI: (
            "gpt-4o-mini",
            "gpt-4o",
            "gpt-4.1-mini",
            "gpt-4.1",
            "gpt-4-turbo",
            "gpt-4",
            "gpt-3.5-turbo",
            "mystery-model",  # known to the provider, priced nowhere
        ),
        Provider.GROQ: ("llama-3.1-8b-instant", "llama-3.3-70b-versatile", "mixtral-8x7b-32768", "gemma-7b-it"),
        Provider.COMPATIBLE: ("local-model", "local-model-large"),
    }
)
"""What each simulated provider lists."""

_HEALTHY = FAULTS[NO_FAULT]


@dataclass(frozen=True, slots=True)
class _Words:
    """How a provider words an error."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


def encode_answer(
    provider: Provider,
    request: ChatRequest,
    reply: Reply,
    fault: Fault = _HEALTHY,
    *,
    key: str = "",
    now_s: float = 0.0,
    attempt: int = 0,
) -> Plan:
    """The answer to a request for a chat completion, spoilt by a fault.

    A fault that does not apply to the kind of answer asked for leaves it healthy. ``key`` is the caller's, which a
    401 quotes; ``now_s`` the time of day, for a date in ``retry-after``; ``attempt`` tells apart requests with the
    same tag, whose ids and times would otherwise be the same.
    """
    if not fault.strikes(provider, Answer.STREAM if request.stream else Answer.PLAIN):
        fault = _HEALTHY
    mark = digest(provider, request.tie or request.messages, request.model, attempt)
    if fault.status is not None:
        plan = encode_error(provider, fault.status, model=request.model, key=key, mark=mark)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    dialect = _dialect(provider)(request, reply, fault, mark)
    if not request.stream or fault.body is Body.JSON_ON_STREAM:
        body = {Body.NOT_JSON: NOT_JSON, Body.EMPTY: b""}.get(fault.body)
        return plain_plan(fault, _dump(dialect.completion()) if body is None else body, headers=dialect.headers(200))
    return stream_plan(
        fault,
        None if fault.body is Body.EMPTY else dialect.parts(),
        headers=dialect.headers(200),
        content_type=dialect.stream_type,
    )


def encode_models(
    provider: Provider,
    models: tuple[str, ...] = (),
    fault: Fault = _HEALTHY,
    *,
    key: str = "",
    now_s: float = 0.0,
) -> Plan:
    """The list of models, the provider's own or these, spoilt by a fault."""
    if fault.status is not None:
        plan = encode_error(provider, fault.status, key=key)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    owner = {Provider.OPENAI: "openai", Provider.GROQ: "Groq"}.get(provider, "library")
    listed = [
        {"id": model, "object": "model", "created": 1_700_000_000 + number, "owned_by": owner}
        for number, model in enumerate(() if fault.body is Body.NO_CHOICES else models or MODELS[provider])
    ]
    headers = _dialect(provider).error_headers(digest(provider, "models"), 200)
    return plain_plan(fault, document(fault, _dump({"object": "list", "data": listed})), headers=headers)


def encode_error(
    provider: Provider, status: int, *, message: str | None = None, model: str = "", key: str = "", mark: str = ""
) -> Plan:
    """An error with its status, in the provider's words unless ``message`` says otherwise."""
    words = _words(status, model, key)
    if message is not None:
        words = replace(words, message=message)
    dialect = _dialect(provider)
    headers = dialect.error_headers(mark or digest(provider, status, model), status)
    return plain_plan(_HEALTHY, _dump({"error": dialect.error(words)}), headers=headers, status=status)


class _Compatible:
    """The least that counts as compatible; the others add to it."""

    stream_type = "text/event-stream"

    def __init__(self, request: ChatRequest, reply: Reply, fault: Fault, mark: str) -> None:
        self.request = request
        self.reply = reply
        self.fault = fault
        self.mark = mark
        self.created = 1_750_000_000 + int(mark[:6], 16)

    @property
    def id(self) -> str:
        """The completion's id."""
        return f"cmpl-{self.mark[:24]}"

    @classmethod
    def error_headers(cls, mark: str, status: int) -> Headers:  # noqa: ARG003 - what the others need
        """Header fields that every answer has."""
        return ()

    def headers(self, status: int) -> Headers:
        """Header fields of this answer."""
        return self.error_headers(self.mark, status)

    @classmethod
    def error(cls, words: _Words) -> dict[str, Json]:
        """The error object."""
        return {"message": words.message, "type": words.type, "param": words.param, "code": words.code}

    def usage(self) -> dict[str, Json] | None:
        """The tokens used, as the fault has them; None where it says nothing of them."""
        prompt: float = self.reply.prompt_tokens
        completion: float = self.reply.completion_tokens
        match self.fault.usage:
            case Usage.ABSENT:
                return None
            case Usage.ZERO:
                prompt = completion = 0
            case Usage.NEGATIVE:
                prompt, completion = -prompt, -completion
            case Usage.HUGE:
                prompt = completion = HUGE
            case Usage.NOT_A_NUMBER:
                prompt = completion = float("nan")
            case Usage.TRUE:
                pass
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    def completion(self) -> dict[str, Json]:
        """A plain answer."""
        message = {"role": "assistant", "content": self.reply.text}
        choice = {"index": 0, "message": message, "finish_reason": self.reply.finish_reason}
        usage = self.usage()
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.reply.model,
            "choices": [] if self.fault.body is Body.NO_CHOICES else [choice],
            **({"usage": usage} if usage else {}),
        }

    def chunk(self, delta: dict[str, Json] | None, finish_reason: str | None = None) -> dict[str, Json]:
        """One chunk of a stream; with no delta, one without choices."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        bare = delta is None or self.fault.body is Body.NO_CHOICES
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.reply.model,
            "choices": [] if bare else [choice],
        }

    def opening(self) -> list[dict[str, Json]]:
        """The chunks before the first content."""
        return [self.chunk({"role": "assistant", "content": ""})]

    def closing(self) -> list[dict[str, Json]]:
        """The chunks after the last content: the finish reason, then the usage where it was asked for."""
        usage = self.usage() if self.request.include_usage else None
        last = [{**self.chunk(None), "usage": usage}] if usage else []
        return [self.chunk({}, self.reply.finish_reason), *last]

    def failure(self) -> bytes:
        """An error in band, as an event of its own."""
        return self.event({"error": self.error(_IN_BAND)})

    def parts(self) -> Parts:
        """The whole stream."""
        pieces = () if self.fault.body is Body.NO_CHOICES else self.reply.pieces
        failed = {**self.chunk({"content": ""}, "error"), "error": {"code": 502, "message": _IN_BAND.message}}
        chunk = self.event(self.chunk({"content": "?"}))
        return Parts(
            opening=tuple(map(self.event, self.opening())),
            contents=tuple(self.event(self.chunk({"content": piece})) for piece in pieces),
            closing=tuple(map(self.event, self.closing())),
            terminal=(sse.encode(DONE, newline=self.fault.newline),),
            error_event=self.failure(),
            error_chunk=self.event(failed),
            malformed=sse.encode(chunk[6 : len(chunk) // 2].decode("utf-8", "ignore"), newline=self.fault.newline),
            late=self.event(self.chunk({"content": " And again."})),
            comment=sse.comment("keep-alive", self.fault.newline),
        )

    def event(self, data: dict[str, Json]) -> bytes:
        """One event of the stream."""
        return sse.encode(_text(data), newline=self.fault.newline)


class _OpenAI(_Compatible):
    """OpenAI: tiers, fingerprints, padding, a null usage until the last chunk, rate limits in the head."""

    stream_type = "text/event-stream; charset=utf-8"

    @property
    def id(self) -> str:
        return f"chatcmpl-{self.mark[:29]}"

    @classmethod
    def error_headers(cls, mark: str, status: int) -> Headers:
        left = "0" if status == 429 else "9999"
        return (
            ("x-request-id", f"req_{mark[:32]}"),
            ("openai-processing-ms", str(100 + int(mark[:2], 16))),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-limit-tokens", "2000000"),
            ("x-ratelimit-remaining-requests", left),
            ("x-ratelimit-remaining-tokens", "1999000"),
            ("x-ratelimit-reset-requests", "7s" if status == 429 else "6ms"),
            ("x-ratelimit-reset-tokens", "30ms"),
        )

    def usage(self) -> dict[str, Json] | None:
        usage = super().usage()
        return usage and {
            **usage,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }

    def completion(self) -> dict[str, Json]:
        completion = super().completion()
        for choice in completion["choices"]:
            choice["message"] |= {"refusal": None, "annotations": []}
            choice["logprobs"] = None
        return {**completion, "service_tier": "default", "system_fingerprint": f"fp_{self.mark[-10:]}"}

    def chunk(self, delta: dict[str, Json] | None, finish_reason: str | None = None) -> dict[str, Json]:
        chunk = super().chunk(delta, finish_reason)
        for choice in chunk["choices"]:
            choice["logprobs"] = None
        chunk |= {"service_tier": "default", "system_fingerprint": f"fp_{self.mark[-10:]}"}
        if self.request.include_usage:
            chunk["usage"] = None
        written = len((delta or {}).get("content") or "")
        return {**chunk, "obfuscation": self.mark[: max(2, 24 - written)]}


class _Groq(_Compatible):
    """Groq: UUIDs, ``x_groq`` in the first chunk and in the one that finishes, times in the usage, no ``param``."""

    @property
    def id(self) -> str:
        return f"chatcmpl-{uuid.UUID(self.mark[:32], version=4)}"

    @property
    def request_id(self) -> str:
        """Groq's own id of the request."""
        return self._request_id(self.mark)

    @classmethod
    def error_headers(cls, mark: str, status: int) -> Headers:
        left = "0" if status == 429 else "14370"
        return (
            ("x-request-id", cls._request_id(mark)),
            ("x-ratelimit-limit-requests", "14400"),
            ("x-ratelimit-remaining-requests", left),
            ("x-ratelimit-reset-requests", "7s"),
        )

    @classmethod
    def error(cls, words: _Words) -> dict[str, Json]:
        return {"message": words.message, "type": words.type, **({"code": words.code} if words.code else {})}

    def usage(self) -> dict[str, Json] | None:
        usage = super().usage()
        times = {"queue_time": 0.01, "prompt_time": 0.002, "completion_time": 0.05, "total_time": 0.052}
        return usage and {**usage, **times}

    def completion(self) -> dict[str, Json]:
        extra = {"system_fingerprint": f"fp_{self.mark[-10:]}", "x_groq": {"id": self.request_id}}
        return {**super().completion(), **extra, "service_tier": "on_demand"}

    def chunk(self, delta: dict[str, Json] | None, finish_reason: str | None = None) -> dict[str, Json]:
        return {**super().chunk(delta, finish_reason), "system_fingerprint": f"fp_{self.mark[-10:]}"}

    def opening(self) -> list[dict[str, Json]]:
        return [{**chunk, "x_groq": {"id": self.request_id}} for chunk in super().opening()]

    def closing(self) -> list[dict[str, Json]]:
        finish, *last = super().closing()
        usage = self.usage()
        own = {"id": self.request_id, **({"usage": usage} if usage else {})}
        return [{**finish, "x_groq": own}, *last]

    def failure(self) -> bytes:
        error = {**self.error(_IN_BAND), "status_code": 500}
        return sse.encode(_text({"error": error}), type="error", newline=self.fault.newline)

    @staticmethod
    def _request_id(mark: str) -> str:
        return f"req_01{mark[:24]}"


def _dialect(provider: Provider) -> type[_Compatible]:
    dialects = {Provider.OPENAI: _OpenAI, Provider.GROQ: _Groq, Provider.COMPATIBLE: _Compatible}
    if provider not in dialects:
        raise UnknownName("provider of chat completions", provider, dialects)
    return dialects[provider]


_IN_BAND = _Words("The model stopped working in the middle of its answer.", "server_error", "server_error")


def _words(status: int, model: str, key: str) -> _Words:
    """What the providers say with each status; a 401 quotes the key in full, so that a leak can be seen."""
    bad = "invalid_request_error"
    known = {
        400: _Words("'temperature' must lie between 0 and 2.", bad, "invalid_value", "temperature"),
        401: _Words(f"Incorrect API key provided: {key}.", bad, "invalid_api_key"),
        403: _Words("This key has no permission to use the model.", "permission_error", "insufficient_permissions"),
        404: _Words(f"The model `{model}` does not exist or you do not have access to it.", bad, "model_not_found"),
        408: _Words("The request timed out.", "server_error", "request_timeout"),
        429: _Words(f"Rate limit reached for `{model}`: too many requests.", "requests", "rate_limit_exceeded"),
        529: _Words("The model is overloaded.", "overloaded_error", "overloaded"),
    }
    return known.get(status) or _Words(f"The server had an error ({status}).", "server_error")


def _text(data: Json) -> str:
    """JSON text as providers write it: characters as they are, and NaN where a fault says so."""
    return _dump(data).decode()


def _dump(data: Json) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
