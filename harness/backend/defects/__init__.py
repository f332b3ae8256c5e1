"""Known-bad variants of the backend: each puts one wrong part in the place of a right one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.backend.parts import Parts
from harness.backend.settings import SettingsError

from . import (
    agent_models,
    agent_resilience,
    agent_sessions,
    agent_vertex,
    auth,
    breaking_off,
    callers,
    chat_credits,
    chat_observers,
    chat_refusals,
    chat_sessions,
    chat_streams,
    cleanup,
    credits,  # noqa: A004 - importing registers
    custom_endpoint,
    errors,
    health,
    ids,
    lives,
    log,
    models,
    prices,
    racing,
    refusing,
    runs_credits,
    runs_errors,
    runs_models,
    runs_operation,
    settings,
    silence,
    stopping,
    stream,
    surroundings,
    versions,
    workflow_plans,
    workflow_polls,
    workflow_steps,
)
from .base import Defect

DEFECTS: Mapping[str, type[Defect]] = MappingProxyType(dict(sorted(Defect.known.items())))
"""Every defect by its id."""


def defective(name: str) -> Parts:
    """The parts of a backend with this defect. Raises SettingsError where there is none of that name."""
    if name not in DEFECTS:
        raise SettingsError(f"there is no defect {name!r}")
    return DEFECTS[name]().apply(Parts())


__all__ = [
    "DEFECTS",
    "Defect",
    "agent_models",
    "agent_resilience",
    "agent_sessions",
    "agent_vertex",
    "auth",
    "breaking_off",
    "callers",
    "chat_credits",
    "chat_observers",
    "chat_refusals",
    "chat_sessions",
    "chat_streams",
    "cleanup",
    "credits",
    "custom_endpoint",
    "defective",
    "errors",
    "health",
    "ids",
    "lives",
    "log",
    "models",
    "prices",
    "racing",
    "refusing",
    "runs_credits",
    "runs_errors",
    "runs_models",
    "runs_operation",
    "settings",
    "silence",
    "stopping",
    "stream",
    "surroundings",
    "versions",
    "workflow_plans",
    "workflow_polls",
    "workflow_steps",
]
