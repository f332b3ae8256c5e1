"""System 4, the OpenAI-compatible inference gateway: its routes, error codes and tables, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .route import Outcome, Route

CHAT = Route("chat.completions", "POST", "/v1/chat/completions")
MODELS = Route("models.list", "GET", "/v1/models", authenticated=False)
ROUTES = (CHAT, MODELS)

ERROR_FIELDS = ("message", "type", "param", "code")

AUTH = Outcome(502, "provider_auth_error")
NOT_FOUND = Outcome(404, "model_not_found")
INVALID_REQUEST = Outcome(400, "invalid_request_error")
RATE_LIMIT = Outcome(429, "rate_limit_exceeded")
UNAVAILABLE = Outcome(503, "provider_unavailable")
UNREACHABLE = Outcome(503, "provider_unreachable")
TIMEOUT = Outcome(504, "provider_timeout")
INVALID_RESPONSE = Outcome(502, "provider_invalid_response")
INCOMPLETE = Outcome(502, "provider_stream_incomplete")

PROVIDER_STATUS: Mapping[int, Outcome] = MappingProxyType(
    {400: INVALID_REQUEST, 401: AUTH, 403: AUTH, 404: NOT_FOUND, 429: RATE_LIMIT}
)

IN_BAND_CODES = frozenset(
    outcome.code
    for outcome in (
        AUTH, NOT_FOUND, INVALID_REQUEST, RATE_LIMIT, UNAVAILABLE, UNREACHABLE, TIMEOUT, INVALID_RESPONSE, INCOMPLETE,
    )
)

INSUFFICIENT_STATUS = 402
TIER_REFUSED = Outcome(403, "model_not_in_tier")
NOT_PRICED = Outcome(400, "model_not_priced")


def for_status(status: int) -> Outcome:
    """What the client must read when the provider answered with this status (400 and above) before a stream began."""
    if status >= 500:
        return UNAVAILABLE
    return PROVIDER_STATUS.get(status, INVALID_RESPONSE)
