"""Anthropic's Messages protocol: the answers that a simulated ``anthropic`` gives, as event streams and JSON."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from harness.core.fault import FAULTS, Body, Fault
from harness.core.names import Answer, Provider
from harness.core.recording import NO_FAULT, Headers, Json
from harness.framing import sse

from .anthropic import MessageRequest
from .anthropic_bodies import PING, Bodies, dump, error_body, error_words
from .plan import NOT_JSON, Parts, Plan, document, plain_plan, retry_after, stream_plan
from .reply import Reply, digest

MODELS = ("claude-sonnet-5", "claude-opus-5", "claude-haiku-4-5", "claude-sonnet-4")
"""What the simulated provider lists."""

STREAM_TYPE = "text/event-stream; charset=utf-8"
ORGANIZATION = str(uuid.UUID(int=0x5EA5_1DE0_0000_4000_8000_0000_0000_0001))
RESET_S = 60
"""In so many seconds the simulated limits are said to be whole again."""

_HEALTHY = FAULTS[NO_FAULT]


def encode_answer(
    request: MessageRequest,
    reply: Reply,
    fault: Fault = _HEALTHY,
    *,
    key: str = "",
    now_s: float = 0.0,
    attempt: int = 0,
) -> Plan:
    """The answer to a request for a message, spoilt by a fault.

    A fault that does not apply to the kind of answer asked for leaves it healthy. ``key`` is the caller's, which a
    401 quotes; ``now_s`` the time of day, for dates; ``attempt`` tells apart requests with the same tag, whose ids
    would otherwise be the same.
    """
    if not fault.strikes(Provider.ANTHROPIC, Answer.STREAM if request.stream else Answer.PLAIN):
        fault = _HEALTHY
    mark = digest(Provider.ANTHROPIC, request.tie or request.messages, request.model, attempt)
    if fault.status is not None:
        plan = encode_error(fault.status, model=request.model, key=key, mark=mark, now_s=now_s)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    return carry(request, Bodies(reply, mark, fault), headers=_headers(mark, 200, now_s))


def carry(request: MessageRequest, bodies: Bodies, *, headers: Headers) -> Plan:
    """An answer over HTTP as Anthropic and Vertex AI give it: an event stream, or one JSON document."""
    fault = bodies.fault
    if not request.stream or fault.body is Body.JSON_ON_STREAM:
        body = {Body.NOT_JSON: NOT_JSON, Body.EMPTY: b""}.get(fault.body)
        return plain_plan(fault, dump(bodies.message()) if body is None else body, headers=headers)
    parts = None if fault.body is Body.EMPTY else stream_parts(bodies)
    return stream_plan(fault, parts, headers=headers, content_type=STREAM_TYPE)


def encode_models(models: tuple[str, ...] = (), fault: Fault = _HEALTHY, *, key: str = "", now_s: float = 0.0) -> Plan:
    """The list of models, the usual ones or these, spoilt by a fault."""
    if fault.status is not None:
        plan = encode_error(fault.status, key=key, now_s=now_s)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    listed = () if fault.body is Body.NO_CHOICES else models or MODELS
    data = [
        {
            "type": "model",
            "id": model,
            "display_name": model.title(),
            "created_at": f"2025-0{1 + number % 9}-01T00:00:00Z",
        }
        for number, model in enumerate(listed)
    ]
    ends = (listed[0], listed[-1]) if listed else (None, None)
    body = {"data": data, "has_more": False, "first_id": ends[0], "last_id": ends[1]}
    return plain_plan(fault, document(fault, dump(body)), headers=_identity(digest(Provider.ANTHROPIC, "models")))


def encode_error(
    status: int, *, message: str | None = None, model: str = "", key: str = "", mark: str = "", now_s: float = 0.0
) -> Plan:
    """An error with its status, in the provider's words unless ``message`` says otherwise."""
    kind, words = error_words(status, model, key)
    mark = mark or digest(Provider.ANTHROPIC, status, model)
    body = error_body(kind, words if message is None else message, _request_id(mark))
    headers = _headers(mark, status, now_s) if status == 429 else _identity(mark)
    return plain_plan(_HEALTHY, dump(body), headers=headers, status=status)


def stream_parts(bodies: Bodies) -> Parts:
    """The whole stream, each event named by its type."""
    fault = bodies.fault
    newline = fault.newline

    def event(data: dict[str, Json]) -> bytes:
        return sse.encode(_padded(data, bodies.mark), type=data["type"], newline=newline)

    def events(bodies: Iterable[dict[str, Json]]) -> tuple[bytes, ...]:
        return tuple(map(event, bodies))

    delta = dump(bodies.delta("?")).decode()
    return Parts(
        opening=events(bodies.opening()),
        contents=events(bodies.contents()),
        closing=events(bodies.closing()),
        terminal=events([bodies.terminal()]),
        error_event=sse.encode(dump(bodies.failure()).decode(), type="error", newline=newline),
        # a relay that lost the event's name: readers that go by names pass over it
        error_chunk=sse.encode(dump(bodies.failure()).decode(), newline=newline),
        malformed=sse.encode(delta[: len(delta) // 2], type="content_block_delta", newline=newline),
        late=event(bodies.delta(" And again.")),
        comment=event(PING) if fault.pings else sse.comment("keep-alive", newline),
    )


def _padded(data: dict[str, Json], mark: str) -> str:
    """An event's JSON; real ones have some spaces before the last brace, so that lengths tell nothing."""
    text = dump(data).decode()
    return text if data is PING else text[:-1] + " " * (int(mark[len(text) % 60], 16)) + text[-1:]


def _identity(mark: str) -> Headers:
    return (("request-id", _request_id(mark)), ("anthropic-organization-id", ORGANIZATION))


def _headers(mark: str, status: int, now_s: float) -> Headers:
    """Header fields of an answer that counts against the caller's limits."""
    reset = datetime.fromtimestamp(now_s + RESET_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    left = 0 if status == 429 else 1
    limits = (("requests", 4_000), ("input-tokens", 2_000_000), ("output-tokens", 400_000), ("tokens", 2_400_000))
    return (
        *_identity(mark),
        *[
            (f"anthropic-ratelimit-{what}-{name}", str(value))
            for what, limit in limits
            for name, value in (("limit", limit), ("remaining", (limit - 1) * left), ("reset", reset))
        ],
    )


def _request_id(mark: str) -> str:
    return f"req_01{mark[-22:]}"
