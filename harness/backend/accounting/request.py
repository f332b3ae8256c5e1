"""Requests to accounting: what is accepted, and the refusal of what is not, naming the field."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from harness.backend.bodies import BadBody, decode_json, storable
from harness.backend.gateway.tokens import TOKENS_MAX
from harness.backend.ids import parse_id

from .errors import invalid

OPERATION = "streaming"
_NAME_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class CheckAsk:
    """May this user stream this model?"""

    user_id: UUID
    model: str


@dataclass(frozen=True, slots=True)
class HoldAsk:
    """A stream is about to begin. ``asked_at``: before its caller's token was looked at."""

    session_id: UUID
    user_id: UUID
    model: str
    tokens: int
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class EndAsk:
    """A stream has ended. ``estimated``: nobody counted the tokens."""

    tokens: int
    estimated: bool = False


class AccountingValidator:
    """Reads request bodies. Every refusal is a 400 that names the field; fields that are not known are left alone."""

    def check(self, raw: bytes) -> CheckAsk:
        """``{"userId", "operation": "streaming", "modelId"}``."""
        body = self.decode(raw)
        ask = CheckAsk(self.id(body, "userId"), self.name(body, "modelId"))
        if body.get("operation") != OPERATION:
            raise invalid("operation", f"operation must be {OPERATION}.")
        return ask

    def hold(self, raw: bytes) -> HoldAsk:
        """``{"sessionId", "userId", "modelId", "estimatedTokens"}``."""
        body = self.decode(raw)
        return HoldAsk(
            self.id(body, "sessionId"),
            self.id(body, "userId"),
            self.name(body, "modelId"),
            self.tokens(body, "estimatedTokens", least=1),
        )

    def finalize(self, raw: bytes) -> EndAsk:
        """``{"actualTokens"}``."""
        return EndAsk(self.tokens(self.decode(raw), "actualTokens"))

    def abort(self, raw: bytes) -> EndAsk:
        """``{"tokensDelivered"}``."""
        return EndAsk(self.tokens(self.decode(raw), "tokensDelivered"), estimated=True)

    def decode(self, raw: bytes) -> dict[str, Any]:
        """The JSON object in a body."""
        try:
            body = decode_json(raw)
        except BadBody as wrong:
            raise invalid(None, str(wrong)) from None
        if not isinstance(body, dict):
            raise invalid(None, "The body must be a JSON object.")
        return body

    def id(self, body: dict[str, Any], name: str) -> UUID:
        """A UUID."""
        found = parse_id(body.get(name))
        if found is None:
            raise invalid(name, f"{name} is required and must be a UUID.")
        return found

    def name(self, body: dict[str, Any], name: str) -> str:
        """A model's name."""
        found = body.get(name)
        if not isinstance(found, str) or not 0 < len(found) <= _NAME_CHARACTERS or not storable(found):
            raise invalid(name, f"{name} is required and must be the name of a model.")
        return found

    def tokens(self, body: dict[str, Any], name: str, least: int = 0) -> int:
        """A number of tokens."""
        found = body.get(name)
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= TOKENS_MAX:
            raise invalid(name, f"{name} is required and must be a whole number from {least} to {TOKENS_MAX}.")
        return found
