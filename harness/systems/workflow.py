"""System 3, training plans made by a workflow that is polled: its route, codes, price, steps and limits, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .route import Outcome, ProviderTable, Route

PLAN = Route("plans.create", "POST", "/training/plans")
ROUTES = (PLAN,)

CREATED_STATUS = 201
KEY = "client_training_program_enriched"
"""What an answer holds beside its id, and what the provider's text must hold."""
PARTS: Mapping[str, type] = MappingProxyType({"title": str, "sessions": list})
"""What stands there: its fields, and of which kind each is."""
REQUEST_FIELDS = ("user_profile", "questionnaires", "context")

PRICE_CREDITS = 5
POLLS_MAX = 60
POLL_INTERVAL_S = 2
PROGRESS_EVERY = 10
LIST_OPTIONS: Mapping[str, str] = MappingProxyType({"limit": "50", "order": "desc"})
"""The query of a poll."""

INSUFFICIENT = Outcome(402, "INSUFFICIENT_CREDITS")
_REJECTED = Outcome(502, "PROVIDER_REJECTED_MESSAGE")
_AUTH = Outcome(502, "PROVIDER_AUTH_ERROR")
_UNAVAILABLE = Outcome(503, "PROVIDER_UNAVAILABLE")
_TIMEOUT = Outcome(504, "PROVIDER_TIMEOUT")
_INVALID = Outcome(502, "PROVIDER_INVALID_RESPONSE")

PROVIDER_TABLE = ProviderTable(
    by_status=MappingProxyType(
        {
            400: _REJECTED,
            401: _AUTH,
            403: _AUTH,
            404: Outcome(502, "PROVIDER_SESSION_NOT_FOUND"),
            408: _TIMEOUT,
            413: _REJECTED,
            422: _REJECTED,
            429: Outcome(429, "PROVIDER_RATE_LIMITED"),
        }
    ),
    unavailable=_UNAVAILABLE,
    other=_UNAVAILABLE,
    unreachable=Outcome(503, "PROVIDER_UNREACHABLE"),
    timeout=_TIMEOUT,
    invalid=_INVALID,
    incomplete=_INVALID,
)
"""What a client reads, whichever of the three steps failed."""

API_KEY_SETTING, WORKFLOW_SETTING = "OPENAI_API_KEY", "EDN360_TRAINING_WORKFLOW_ID"
REQUIRED_SETTINGS = (API_KEY_SETTING, WORKFLOW_SETTING)


def lacking(programme: Mapping[str, Any]) -> list[str]:
    """What a programme should have, and has not, or not of its kind."""
    return [name for name, kind in PARTS.items() if not isinstance(programme.get(name), kind)]


def price_credits(facts: Mapping[str, Any]) -> int:
    """What a plan costs, by a target's profile."""
    return _number(facts, "price_credits", PRICE_CREDITS)


def polls_max(facts: Mapping[str, Any]) -> int:
    """How often the provider is asked for an answer before it counts as silent."""
    return _number(facts, "polls_max", POLLS_MAX)


def poll_interval_s(facts: Mapping[str, Any]) -> int:
    """How long a target waits between two polls, in seconds."""
    return _number(facts, "poll_interval_s", POLL_INTERVAL_S)


def workflow_id(facts: Mapping[str, Any]) -> str | None:
    """The workflow that makes the plans; None where the profile does not say."""
    found = facts.get("numbers", {}).get("workflow_id")
    return found if isinstance(found, str) else None


def _number(facts: Mapping[str, Any], name: str, default: int) -> int:
    return int(facts.get("numbers", {}).get(name, default))
