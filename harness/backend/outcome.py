"""How what a client asked for goes and ends: the same few words for calls, streams, runs and plans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Phase = TypeVar("Phase", bound=StrEnum)


class Outcome(StrEnum):
    """How it ended. A run or a plan is completed once its row is stored: from there on it is paid for."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    LEFT = "client-left"


@dataclass(slots=True, kw_only=True)
class Course(Generic[Phase]):
    """How far it has come, and what became of it. ``error`` and ``failed_in`` are those of the first failure."""

    phase: Phase
    outcome: Outcome = Outcome.RUNNING
    http_status: int | None = None
    error: BaseException | None = None
    failed_in: Phase | None = None

    def fail(self, error: BaseException) -> None:
        """It failed, in the phase that it is in."""
        if self.error is None:
            self.outcome, self.error, self.failed_in = Outcome.FAILED, error, self.phase

    def leave(self) -> None:
        """The client left."""
        if self.outcome is Outcome.RUNNING:
            self.outcome = Outcome.LEFT
