"""System 5, sessions with a Claude-style agent: its routes, ids, codes, limits and transition table, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from . import gateway
from .route import Outcome, Route, Transition

CHAT = gateway.CHAT
MODELS = gateway.MODELS
CREATE = Route("agent.sessions.create", "POST", "/sessions")
SESSION = Route("agent.sessions.get", "GET", "/sessions/{session_id}")
MESSAGES = Route("agent.sessions.messages", "GET", "/sessions/{session_id}/messages")
HEALTH = Route("agent.health", "GET", "/health", authenticated=False)
ROUTES = (CREATE, SESSION, MESSAGES, CHAT, MODELS, HEALTH)

CREATED_STATUS = 201
SESSION_HEADER = "x-session-id"
"""On the answer of a chat: the session that its messages are stored under, which a chat that names none gets anew."""

PROVIDER_TABLE = gateway.PROVIDER_TABLE
CIRCUIT_OPEN = Outcome(503, "provider_circuit_open")
BAD_ID = Outcome(400, "invalid_session_id")
NO_SESSION = Outcome(404, "session_not_found")
NO_TOKEN = Outcome(503, "no_access_token", "No access token available - cannot fetch models from Vertex AI")
PROJECT_SETTING = "GOOGLE_CLOUD_PROJECT"
MISSING_SETTINGS = ("GOOGLE_APPLICATION_CREDENTIALS", PROJECT_SETTING, "VERTEX_AI_ACCESS_TOKEN")
"""What the refusal of a list names: the settings that would let Vertex be asked."""

SERVICE_ACCOUNT = "harness-target"
"""The name of the service account that a target gets which is started by the harness."""

TRIES_MAX = 3
TOKEN_LIFETIME_S, TOKEN_SPARE_S = 3_599, 30
"""How long a token is good, and what must be left of that when it is used: a call takes its time."""
MODELS_FRESH_S = 300.0
FIRST_WAIT_S, JITTER_SHARE, WAIT_CAP_S = 1.0, 0.25, 8.0
"""Waits before a further try: 1 s, 2 s, ... doubled each time, a quarter more at most, never above the cap."""

RETRY_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"RETRY_WAIT_S": "retry_wait_s", "RETRY_JITTER": "retry_jitter", "RETRY_WAIT_MAX_S": "retry_wait_max_s"}
)
"""Setting -> the number of a profile that says the same: the first wait, the share that jitter adds, the cap."""

BREAKER_FAILURES, COOL_DOWN_S = 5, 30.0
BREAKER_FAILURES_SETTING, COOL_DOWN_SETTING = "BREAKER_FAILURES", "BREAKER_COOL_DOWN_S"
BREAKER_STATES = frozenset({"closed", "open", "half_open"})
UP, DOWN = "up", "down"
HEALTHY, DEGRADED = ("ok", 200), ("degraded", 503)

OLD_STYLE = re.compile(r"session-[0-9]{1,20}-[A-Za-z0-9._~-]{1,128}")
"""`session-<ms>-<random>`: any time, and whatever a URL takes as it is (RFC 3986, 2.3)."""
OLD_STYLE_NAMESPACE = UUID("2e3fa67b-2b55-5e76-bfac-1d0fb160dde5")
"""The namespace in which the whole text of an old-style id is a name (RFC 9562, 5.5 and 6.6)."""


def session_uuid(text: str) -> UUID | None:
    """The session that a text means: the UUID that it is, or the one that an old-style id is mapped to; else None."""
    if OLD_STYLE.fullmatch(text):
        return uuid5(OLD_STYLE_NAMESPACE, text)
    return UUID(text) if _CANONICAL.fullmatch(text) else None


_CANONICAL = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def breaker(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[int, float]:
    """How many failures in a row open a breaker, and for how long in seconds: by the target's profile and variant."""
    numbers = facts.get("numbers", {})
    failures = settings.get(BREAKER_FAILURES_SETTING) or numbers.get("breaker_failures", BREAKER_FAILURES)
    cool_down_s = settings.get(COOL_DOWN_SETTING) or numbers.get("breaker_cool_down_s", COOL_DOWN_S)
    return int(failures), float(cool_down_s)


def retry_waits(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[float, float, float]:
    """The first wait in seconds, the share that jitter adds, the longest wait: by the target's profile and variant."""
    numbers, usual = facts.get("numbers", {}), (FIRST_WAIT_S, JITTER_SHARE, WAIT_CAP_S)
    first, jitter, longest = (
        float(settings.get(setting) or numbers.get(number, value))
        for (setting, number), value in zip(RETRY_SETTINGS.items(), usual, strict=True)
    )
    return first, jitter, longest


class State(StrEnum):
    """What a session is to its owner."""

    ABSENT = "absent"  # never made, or somebody else's
    EMPTY = "empty"
    USED = "used"  # it holds messages


class Step(StrEnum):
    """What is done to a session, or in its name."""

    CREATE = "create"
    READ = "read"
    LIST = "list"
    CHAT = "chat"
    FAILED_CHAT = "failed-chat"  # one that is refused or fails: it leaves nothing


TRANSITIONS: Mapping[tuple[State, Step], Transition[State]] = MappingProxyType(
    {
        (State.ABSENT, Step.CREATE): Transition(State.EMPTY, (CREATED_STATUS,)),
        (State.ABSENT, Step.READ): Transition(State.ABSENT, (NO_SESSION.status,), NO_SESSION.code),
        (State.ABSENT, Step.LIST): Transition(State.ABSENT, (NO_SESSION.status,), NO_SESSION.code),
        (State.ABSENT, Step.CHAT): Transition(State.ABSENT, (NO_SESSION.status,), NO_SESSION.code),
        (State.EMPTY, Step.READ): Transition(State.EMPTY, (200,)),
        (State.EMPTY, Step.LIST): Transition(State.EMPTY, (200,)),
        (State.EMPTY, Step.CHAT): Transition(State.USED, (200,)),
        (State.EMPTY, Step.FAILED_CHAT): Transition(State.EMPTY),
        (State.USED, Step.READ): Transition(State.USED, (200,)),
        (State.USED, Step.LIST): Transition(State.USED, (200,)),
        (State.USED, Step.CHAT): Transition(State.USED, (200,)),
        (State.USED, Step.FAILED_CHAT): Transition(State.USED),
    }
)
"""The life of a session: (state, step) -> what comes of it.

An old-style id is a session from its first chat on: clients made such ids themselves, so there is nothing to refuse.
"""
