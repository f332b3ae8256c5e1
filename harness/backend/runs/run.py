"""One run while it happens: what its row, the ledger and the log will say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from harness.backend.accounts import Hold, Settled
from harness.backend.outcome import Outcome

from .models import Choice


@dataclass(slots=True)
class Run:
    """A run that may be made. ``hold`` is there while credits are held, ``charge`` while it is paid for.

    ``balance`` is what the run left of the user's credits when it took its own.
    """

    id: UUID
    user_id: UUID
    project_id: UUID
    input: str
    model: Choice
    created_at: datetime
    output: str = ""
    hold: Hold | None = None
    charge: Settled | None = None
    balance: int = 0
    outcome: Outcome = Outcome.RUNNING
    http_status: int | None = None
