"""What an error is to clients, in the form that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class ErrorObject(Exception):
    """A refusal or failure with its HTTP status and the fields of OpenAI's error object."""

    status: int
    code: str
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"

    def body(self) -> dict[str, Any]:
        """``{"error": {"message", "type", "param", "code"}}``, the same before and after the headers."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}
