"""One stream of a session while it happens: what the log, the bill and the observers need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from harness.backend.flights import Flight
from harness.backend.gateway.tokens import Tokens
from harness.backend.outcome import Course

from .broadcast import Broadcast
from .errors import ChatError
from .families import Piece
from .request import Ask


class Phase(StrEnum):
    """Where a stream is, and so where it failed."""

    HOLD = "hold"
    PROVIDER = "provider"
    SETTLE = "settle"


@dataclass(slots=True, kw_only=True)
class Turn(Course[Phase]):
    """A stream that was admitted. ``authorization`` is the client's own, for accounting.

    ``begun``: nothing refuses it any more, and it has an end that all who follow are told of.
    ``balance`` is what accounting said before the stream. ``held``: accounting holds credits for it, or may.
    ``characters`` are those that the owner was given. ``stopped`` is why it is to end before its end, where somebody
    said so.
    """

    session_id: UUID
    user_id: UUID
    ask: Ask
    authorization: str
    flight: Flight
    broadcast: Broadcast
    begun: bool = False
    estimated_tokens: int = 0
    balance: int | None = None
    held: bool = False
    characters: int = 0
    chunks: int = 0
    usage: Mapping[str, Any] | None = None
    tokens: Tokens | None = None
    credits: int = 0
    stopped: ChatError | None = None
    phase: Phase = Phase.HOLD

    def note(self, piece: Piece) -> None:
        """Keep the usage that a piece has; the last one counts."""
        if piece.usage is not None:
            self.usage = {"prompt_tokens": piece.usage[0], "completion_tokens": piece.usage[1]}

    def delivered(self, text: str) -> None:
        """The owner was given this."""
        self.characters += len(text)
        self.chunks += 1

    def stop(self, why: ChatError) -> None:
        """End it now."""
        self.stopped = why
        self.flight.expire()
