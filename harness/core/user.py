"""Somebody to call a target as."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A user of the target. ``id`` is None where the target's own account is used as it is."""

    id: str | None
    token: str
