"""System 4, the OpenAI-compatible inference gateway: its routes, error codes and tables, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .route import Outcome, ProviderTable, Route

CHAT = Route("chat.completions", "POST", "/v1/chat/completions")
MODELS = Route("models.list", "GET", "/v1/models", authenticated=False)
ROUTES = (CHAT, MODELS)

ERROR_FIELDS = ("message", "type", "param", "code")

AUTH = Outcome(502, "provider_auth_error")
NOT_FOUND = Outcome(404, "model_not_found")
INVALID_REQUEST = Outcome(400, "invalid_request_error")
RATE_LIMIT = Outcome(429, "rate_limit_exceeded")
INVALID_RESPONSE = Outcome(502, "provider_invalid_response")

UNAVAILABLE = Outcome(503, "provider_unavailable")
TIMEOUT = Outcome(504, "provider_timeout")

PROVIDER_TABLE = ProviderTable(
    by_status=MappingProxyType(
        {
            400: INVALID_REQUEST,
            401: AUTH,
            403: AUTH,
            404: NOT_FOUND,
            408: TIMEOUT,
            413: INVALID_REQUEST,
            422: INVALID_REQUEST,
            424: UNAVAILABLE,  # Bedrock's: the model failed, not the request, and its answer is a sound one
            429: RATE_LIMIT,
        }
    ),
    unavailable=UNAVAILABLE,
    other=INVALID_RESPONSE,
    unreachable=Outcome(503, "provider_unreachable"),
    timeout=TIMEOUT,
    invalid=INVALID_RESPONSE,
    incomplete=Outcome(502, "provider_stream_incomplete"),
)

MULTIPLIER_SETTING, CUSTOM_MULTIPLIER_SETTING = "CREDIT_MULTIPLIER", "OPENAI_CUSTOM_CREDIT_MULTIPLIER"
_NUMBERS: Mapping[str, str] = MappingProxyType(
    {MULTIPLIER_SETTING: "multiplier", CUSTOM_MULTIPLIER_SETTING: "custom_multiplier"}
)


def priced(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A target's facts with the numbers that the settings of its variant change."""
    changed = {_NUMBERS[name]: value for name, value in settings.items() if name in _NUMBERS and value is not None}
    return {**facts, "numbers": {**facts.get("numbers", {}), **changed}} if changed else facts


INSUFFICIENT_STATUS = 402
TIER_REFUSED = Outcome(403, "model_not_in_tier")
NOT_PRICED = Outcome(400, "model_not_priced")
