"""System 1, project runs paid by credits: its routes, messages, codes, models and defaults, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .route import Outcome, ProviderTable, Route

HEALTH = Route("health", "GET", "/api/health", authenticated=False)
RUN = Route("runs.create", "POST", "/api/projects/{project_id}/runs")
ROUTES = (HEALTH, RUN)

CREATED_STATUS = 201
RUN_FIELDS = ("id", "input", "output", "model", "created_at")
PRICE_CREDITS = 1

DEFAULT_MODEL = "llama-3.1-8b-instant"
DEFAULT_MODEL_SETTING = "GROQ_DEFAULT_MODEL"
ENV_FILE_SETTING = "ENV_FILE_TEXT"
"""The text of a ``.env`` file, for a target that is started by the harness."""

_SMALL, _LARGE = "llama-3.1-8b-instant", "llama-3.3-70b-versatile"
MODELS: Mapping[str, str] = MappingProxyType(
    {
        "gpt-3.5-turbo": _SMALL,
        "gpt-4o-mini": _SMALL,
        "gpt-4.1-mini": _SMALL,
        "gpt-4": _LARGE,
        "gpt-4-turbo": _LARGE,
        "gpt-4o": _LARGE,
        _SMALL: _SMALL,
        _LARGE: _LARGE,
        "mixtral-8x7b-32768": "mixtral-8x7b-32768",
        "gemma-7b-it": "gemma-7b-it",
    }
)
"""What a request may name -> what the provider is asked for."""

PARAMETERS: Mapping[str, float] = MappingProxyType({"max_tokens": 1000, "temperature": 0.7})
"""What goes with every call of the provider."""

REFUND_REASON = "AI generation failed - refund"
REFUND_METADATA = ("model", "project_id", "error")

INVALID_MODEL = "Invalid model name: {model}"
BAD_REQUEST_STATUS = 400
NOT_FOUND_STATUS = 404
INSUFFICIENT = Outcome(402, "INSUFFICIENT_CREDITS")
FAILURE_CODE = "AI_GENERATION_ERROR"
FAILURE_DETAILS = ("model", "timestamp")


def _failed(message: str) -> Outcome:
    return Outcome(500, FAILURE_CODE, message)


_AUTH = _failed("LLM API authentication failed. Please check API key configuration.")
_UNREACHABLE = _failed("Cannot connect to LLM service. Please check your network connection.")
_OTHER = _failed("Failed to generate AI response: {reason}")

PROVIDER_TABLE = ProviderTable(
    by_status=MappingProxyType(
        {
            400: _failed("LLM API error: {reason}"),
            401: _AUTH,
            403: _AUTH,
            404: _failed("Model '{model}' not found. Please check model name or use a supported model."),
            429: _failed("Rate limit exceeded. Please try again later."),
        }
    ),
    unavailable=_failed("LLM service is temporarily unavailable. Please try again later."),
    other=_OTHER,
    unreachable=_UNREACHABLE,
    timeout=_UNREACHABLE,
    invalid=_OTHER,
    incomplete=_OTHER,
)

HEALTH_FIELDS = ("status", "supabase", "openai", "timestamp")
HEALTHY = ("ok", 200)
DEGRADED = ("degraded", 503)
CONNECTED, DISCONNECTED = "connected", "disconnected"

REQUIRED_SETTINGS = ("GROQ_API_KEY",)
DEFAULTS: Mapping[str, str] = MappingProxyType({"PORT": "4000"})
"""What settings are that nobody set."""
BANNER_SETTINGS = ("PORT", "GROQ_API_KEY", DEFAULT_MODEL_SETTING, "OPENAI_API_KEY")
SECRET_SETTINGS = ("GROQ_API_KEY", "OPENAI_API_KEY")
NOT_SET = "(not set - optional)"

LOG_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "run": ("model", "mappedModel", "inputLength", "outputLength", "userId", "projectId", "runId"),
        "run_failed": ("message", "stack", "model", "inputLength", "status", "type", "code"),
        "refund": ("amount", "userId"),
    }
)
"""The log's events, and what each has beside its name."""


def mapping(facts: Mapping[str, Any]) -> Mapping[str, str]:
    """What a target's profile says that it asks the provider for, by the name in the request; else ``MODELS``."""
    rows = {row["id"]: row.get("upstream") or row["id"] for row in facts.get("models", ())}
    return rows or MODELS


def default_model(facts: Mapping[str, Any], settings: Mapping[str, str | None]) -> str:
    """The model of a request that names none, by the target's profile and the settings of its variant."""
    declared = facts.get("numbers", {}).get("default_model", DEFAULT_MODEL)
    return str(settings.get(DEFAULT_MODEL_SETTING) or declared)


def price_credits(facts: Mapping[str, Any]) -> int:
    """What a run costs."""
    return int(facts.get("numbers", {}).get("price_credits", PRICE_CREDITS))
