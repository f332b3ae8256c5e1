"""System 2, streamed chat with a supervisor looking on: its routes, codes, models and transition table, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from .route import Outcome, ProviderTable, Route, Transition

MODELS = Route("chat.models", "GET", "/models", authenticated=False)
CREATE = Route("chat.sessions.create", "POST", "/chat/sessions")
STREAM = Route("chat.stream", "POST", "/chat/sessions/{session_id}/stream")
OBSERVE = Route("chat.observe", "GET", "/chat/sessions/{session_id}/observe")
DELETE = Route("chat.sessions.delete", "DELETE", "/chat/sessions/{session_id}")
ROUTES = (MODELS, CREATE, STREAM, OBSERVE, DELETE)

CREATED_STATUS = 201
MODEL_IDS = (
    "amazon.nova-micro-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.titan-text-express-v1",
    "meta.llama3-70b-instruct-v1:0",
)
"""The models that are offered, named exactly as Bedrock names them."""

OUTPUT_TOKENS = 2000
"""The output limit of every call, and so the larger part of every estimate."""

PARAMETERS: Mapping[str, Mapping[tuple[str, ...], float]] = MappingProxyType(
    {
        "nova": {
            ("inferenceConfig", "max_new_tokens"): OUTPUT_TOKENS,
            ("inferenceConfig", "temperature"): 0.7,
            ("inferenceConfig", "top_p"): 0.9,
        },
        "titan": {
            ("textGenerationConfig", "maxTokenCount"): OUTPUT_TOKENS,
            ("textGenerationConfig", "temperature"): 0.7,
            ("textGenerationConfig", "topP"): 0.9,
        },
        "llama": {("max_gen_len",): OUTPUT_TOKENS, ("temperature",): 0.7, ("top_p",): 0.9},
    }
)
"""Family -> what goes with every call of its models: the path in the body, and the value."""

LLAMA_TEMPLATE = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
"""What a prompt for Llama 3 is made of, beside its words."""

REFUSAL_MESSAGE = "Error streaming chat response"
INITIALIZE_FAILED = "Failed to initialize streaming session: Request failed with status code {status}"
NOT_OBSERVABLE_MESSAGE = "No active streaming session found for observation"

INSUFFICIENT = Outcome(402, "INSUFFICIENT_CREDITS")
MODEL_NOT_AVAILABLE = Outcome(400, "MODEL_NOT_AVAILABLE")
INVALID = Outcome(400, "INVALID_REQUEST")
NOT_ACTIVE = Outcome(404, "SESSION_NOT_ACTIVE", NOT_OBSERVABLE_MESSAGE)
NOT_FOUND = Outcome(404, "SESSION_NOT_FOUND")
BUSY = Outcome(409, "SESSION_BUSY")
DELETED = Outcome(410, "SESSION_DELETED")
FORBIDDEN = Outcome(403, "FORBIDDEN")
CANCELLED = Outcome(499, "STREAM_CANCELLED")
"""What observers read when the owner of a stream has left; the owner reads nothing any more."""
ACCOUNTING = Outcome(502, "ACCOUNTING_ERROR")
ACCOUNTING_DOWN = Outcome(503, "ACCOUNTING_UNAVAILABLE")

_REJECTED = Outcome(400, "PROVIDER_REJECTED_REQUEST")
_AUTH = Outcome(502, "PROVIDER_AUTH_ERROR")
_UNAVAILABLE = Outcome(503, "PROVIDER_UNAVAILABLE")
_INVALID = Outcome(502, "PROVIDER_INVALID_RESPONSE")
_TIMEOUT = Outcome(504, "PROVIDER_TIMEOUT")
PROVIDER_TABLE = ProviderTable(
    by_status=MappingProxyType(
        {
            400: _REJECTED,
            401: _AUTH,
            403: _AUTH,
            404: MODEL_NOT_AVAILABLE,
            408: _TIMEOUT,
            413: _REJECTED,
            422: _REJECTED,
            424: _UNAVAILABLE,
            429: Outcome(429, "RATE_LIMIT_EXCEEDED"),
        }
    ),
    unavailable=_UNAVAILABLE,
    other=_INVALID,
    unreachable=Outcome(503, "PROVIDER_UNREACHABLE"),
    timeout=_TIMEOUT,
    invalid=_INVALID,
    incomplete=Outcome(502, "PROVIDER_STREAM_INCOMPLETE"),
)

DELTA, DONE, ERROR = "delta", "done", "error"
TERMINALS = frozenset({DONE, ERROR})
USAGE_FIELDS = ("inputTokens", "outputTokens")


class State(StrEnum):
    """What a session is to its owner."""

    ABSENT = "absent"  # never made, somebody else's, or its id is none
    IDLE = "idle"
    STREAMING = "streaming"
    DELETED = "deleted"


class Step(StrEnum):
    """What is done to a session: a client's call, or ``end``, the end of its stream for whatever reason."""

    CREATE = "create"
    STREAM = "stream"
    OBSERVE = "observe"
    DELETE = "delete"
    END = "end"


TRANSITIONS: Mapping[tuple[State, Step], Transition[State]] = MappingProxyType(
    {
        (State.ABSENT, Step.CREATE): Transition(State.IDLE, (CREATED_STATUS,)),
        (State.ABSENT, Step.STREAM): Transition(State.ABSENT, (404, 400), NOT_FOUND.code),
        (State.ABSENT, Step.OBSERVE): Transition(State.ABSENT, (404, 400), NOT_ACTIVE.code),
        (State.ABSENT, Step.DELETE): Transition(State.ABSENT, (404, 400), NOT_FOUND.code),
        (State.IDLE, Step.STREAM): Transition(State.STREAMING, (200,)),
        (State.IDLE, Step.OBSERVE): Transition(State.IDLE, (404,), NOT_ACTIVE.code),
        (State.IDLE, Step.DELETE): Transition(State.DELETED, (204,)),
        (State.STREAMING, Step.STREAM): Transition(State.STREAMING, (409,), BUSY.code),
        (State.STREAMING, Step.OBSERVE): Transition(State.STREAMING, (200,)),
        (State.STREAMING, Step.DELETE): Transition(State.DELETED, (204,)),
        (State.STREAMING, Step.END): Transition(State.IDLE),
        (State.DELETED, Step.STREAM): Transition(State.DELETED, (410, 409), DELETED.code),
        (State.DELETED, Step.OBSERVE): Transition(State.DELETED, (404,), NOT_ACTIVE.code),
        (State.DELETED, Step.DELETE): Transition(State.DELETED, (204,)),
        (State.DELETED, Step.END): Transition(State.DELETED),
    }
)
"""The life of a session: (state, step) -> what comes of it. A step that is not here cannot be taken."""
