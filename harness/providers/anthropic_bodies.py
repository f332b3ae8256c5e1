"""Anthropic's Messages protocol: the JSON bodies that a simulated Claude says, in whatever frames they are carried.

The API itself and Vertex AI put each event into an event stream, Bedrock into a binary frame; what is in them is the
same, but for the form of the ids. Forms were counted in recorded traffic.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.core.fault import FAULTS, Body, Fault, Usage
from harness.core.recording import NO_FAULT, Json

from .reply import Reply

HUGE = 10**15
ID_PREFIX = "msg_01"
"""How the ids of the API itself begin; Vertex AI's begin with ``msg_vrtx_01``, Bedrock's with ``msg_bdrk_01``."""

STOP_REASONS = {"stop": "end_turn", "length": "max_tokens"}
"""A reply's finish reason in this protocol's words; any other stays as it is."""

PING: dict[str, Json] = {"type": "ping"}
OVERLOADED = "overloaded_error"
IN_BAND = "The model stopped working in the middle of its answer."

_HEALTHY = FAULTS[NO_FAULT]


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies of one answer, spoilt by a fault. ``mark`` (64 hex digits) makes its id."""

    reply: Reply
    mark: str
    fault: Fault = _HEALTHY
    id_prefix: str = ID_PREFIX

    @property
    def id(self) -> str:
        """The message's id."""
        return f"{self.id_prefix}{self.mark[:22]}"

    @property
    def hollow(self) -> bool:
        """Whether the answer has no content at all."""
        return self.fault.body is Body.NO_CHOICES

    @property
    def stop_reason(self) -> str:
        """Why the answer ends."""
        return STOP_REASONS.get(self.reply.finish_reason, self.reply.finish_reason)

    def usage(self, output_tokens: int | None = None) -> dict[str, Json] | None:
        """The tokens used so far, as the fault has them; None where it says nothing of them."""
        into: float = self.reply.prompt_tokens
        out: float = self.reply.completion_tokens if output_tokens is None else output_tokens
        match self.fault.usage:
            case Usage.ABSENT:
                return None
            case Usage.ZERO:
                into = out = 0
            case Usage.NEGATIVE:
                into, out = -into, -out
            case Usage.HUGE:
                into = out = HUGE
            case Usage.NOT_A_NUMBER:
                into = out = float("nan")
            case Usage.TRUE:
                pass
        cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        return {"input_tokens": into, **cached, "output_tokens": out}

    def message(self) -> dict[str, Json]:
        """A plain answer."""
        block = {"type": "text", "text": self.reply.text}
        return self._message([] if self.hollow else [block], self.stop_reason, self._used(self.usage(), tier=True))

    def opening(self) -> list[dict[str, Json]]:
        """The events before the first content: the empty message, the text block's beginning, a ping."""
        begun = self._message([], None, self._used(self.usage(1), tier=True))
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return [{"type": "message_start", "message": begun}, *([] if self.hollow else [block]), PING]

    def contents(self) -> list[dict[str, Json]]:
        """The content events."""
        return [] if self.hollow else [self.delta(piece) for piece in self.reply.pieces]

    def delta(self, text: str) -> dict[str, Json]:
        """One content event."""
        return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}

    def closing(self) -> list[dict[str, Json]]:
        """The events after the last content: the block's end, the stop reason with the tokens used in all."""
        stopped = {"type": "content_block_stop", "index": 0}
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        last = {"type": "message_delta", "delta": delta, **self._used(self.usage())}
        return [last] if self.hollow else [stopped, last]

    def terminal(self) -> dict[str, Json]:
        """The last event."""
        return {"type": "message_stop"}

    def failure(self) -> dict[str, Json]:
        """An error in band."""
        kind = self.fault.error_type or "api_error"
        return error_body(kind, "Overloaded" if kind == OVERLOADED else IN_BAND)

    def _message(self, content: list[Json], stop_reason: str | None, used: dict[str, Json]) -> dict[str, Json]:
        return {
            "model": self.reply.model,
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            **used,
        }

    @staticmethod
    def _used(usage: dict[str, Json] | None, *, tier: bool = False) -> dict[str, Json]:
        if usage is None:
            return {}
        return {"usage": {**usage, "service_tier": "standard"} if tier else usage}


def error_body(kind: str, message: str, request_id: str | None = None) -> dict[str, Json]:
    """An error object; in band it names no request."""
    named = {} if request_id is None else {"request_id": request_id}
    return {"type": "error", "error": {"type": kind, "message": message}, **named}


def error_words(status: int, model: str, key: str) -> tuple[str, str]:
    """An error's type and message by its status; a 401 quotes the key in full, so that a leak can be seen."""
    known = {
        400: ("invalid_request_error", "temperature: range: 0..1"),
        401: ("authentication_error", f"invalid x-api-key: {key}"),
        403: ("permission_error", "This key has no permission to use the model."),
        404: ("not_found_error", f"model: {model}"),
        408: ("timeout_error", "The request timed out before it was read."),
        413: ("request_too_large", "Request exceeds the maximum size"),
        429: ("rate_limit_error", f"This request would exceed the rate limit for {model}."),
        504: ("timeout_error", "The request timed out while it was processed."),
        529: (OVERLOADED, "Overloaded"),
    }
    return known.get(status) or ("api_error", f"Internal server error ({status})")


def dump(data: Json) -> bytes:
    """JSON as it is sent: characters as they are, and NaN where a fault says so."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
