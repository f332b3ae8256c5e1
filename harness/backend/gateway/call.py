"""One call while it happens: what the log will say of it, and what billing and the relay need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from harness.backend.accounts import Hold

from .catalogue import Model
from .request import Ask


class Phase(StrEnum):
    """Where a call is, and so where it failed."""

    LOOKUP = "lookup"  # who calls, what is asked, what it costs at most
    PROVIDER = "provider"
    COST = "cost"
    SETTLE = "settle"
    USAGE = "usage"


class Outcome(StrEnum):
    """How a call ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    LEFT = "client-left"


@dataclass(slots=True)
class Record:
    """What is known of a call from its first moment on. ``error`` and ``phase`` are those of the first failure."""

    id: UUID
    user_id: UUID | None = None
    phase: Phase = Phase.LOOKUP
    outcome: Outcome = Outcome.RUNNING
    http_status: int | None = None
    error: BaseException | None = None
    failed_in: Phase | None = None

    def fail(self, error: BaseException) -> None:
        """The call failed, in the phase that it is in."""
        if self.error is None:
            self.outcome, self.error, self.failed_in = Outcome.FAILED, error, self.phase

    def leave(self) -> None:
        """The client left."""
        if self.outcome is Outcome.RUNNING:
            self.outcome = Outcome.LEFT


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
