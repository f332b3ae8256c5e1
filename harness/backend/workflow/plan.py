"""One plan while it is made: what its row, the ledger and the log will say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from harness.backend.accounts import Hold, Settled
from harness.backend.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for, as decoded from the request."""

    user_profile: dict[str, Any]
    questionnaires: list[Any]
    context: Any


@dataclass(slots=True)
class Plan:
    """A plan that may be made. ``hold`` is there while credits are held, ``charge`` while it is paid for.

    ``polls`` counts how often the provider was asked whether it has an answer, ``waited_s`` the seconds between.
    """

    id: UUID
    user_id: UUID
    ask: Ask
    created_at: datetime
    text: str = ""
    session_id: str = ""
    polls: int = 0
    waited_s: float = 0.0
    programme: dict[str, Any] | None = None
    hold: Hold | None = None
    charge: Settled | None = None
    outcome: Outcome = Outcome.RUNNING
    http_status: int | None = None
