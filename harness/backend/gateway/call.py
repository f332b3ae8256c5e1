"""One call while it happens: what the log will say of it, and what billing and the relay need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from harness.backend.accounts import Hold
from harness.backend.outcome import Course

from .catalogue import Model
from .request import Ask


class Phase(StrEnum):
    """Where a call is, and so where it failed."""

    LOOKUP = "lookup"  # who calls, what is asked, what it costs at most
    PROVIDER = "provider"
    COST = "cost"
    SETTLE = "settle"
    USAGE = "usage"


@dataclass(slots=True)
class Record(Course[Phase]):
    """What is known of a call from its first moment on."""

    id: UUID
    user_id: UUID | None = None
    phase: Phase = field(default=Phase.LOOKUP, kw_only=True)


@dataclass(slots=True)
class Call:
    """A call that may be made: a known user asks for a model that can be called.

    ``hold`` is there while credits are held. ``characters`` are those of the words that the client was given.
    ``finished`` is whether the provider gave a finish reason.
    """

    record: Record
    ask: Ask
    model: Model
    created: int
    hold: Hold | None = None
    usage: Mapping[str, Any] | None = None
    characters: int = 0
    chunks: int = 0
    finished: bool = False

    @property
    def user_id(self) -> UUID:
        """Whose call it is."""
        if self.record.user_id is None:
            raise ValueError("a call belongs to a user")
        return self.record.user_id
