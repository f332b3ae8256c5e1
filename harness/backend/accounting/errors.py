"""Errors as callers of accounting read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.backend.accounts import InsufficientCredits
from harness.backend.auth import Denied


@dataclass(eq=False)
class AccountingError(Exception):
    """A refusal with its HTTP status. ``about`` names the field of the request that is wrong, where that is why."""

    status: int
    code: str
    message: str
    about: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"

    def body(self) -> dict[str, Any]:
        """``{"message", "errorCode", "field"?}``."""
        body = {"message": self.message, "errorCode": self.code}
        return body if self.about is None else {**body, "field": self.about}


def invalid(about: str | None, message: str, status: int = 400) -> AccountingError:
    """A request that cannot be right; the message names the field."""
    return AccountingError(status, "INVALID_REQUEST", message, about)


def forbidden() -> AccountingError:
    """Somebody asks for another's account."""
    return AccountingError(403, "FORBIDDEN", "userId is not the token's.", "userId")


def no_session() -> AccountingError:
    """No such session was initialized, or it is another user's, or the id is none."""
    return AccountingError(404, "SESSION_NOT_FOUND", "There is no such streaming session.")


def open_already() -> AccountingError:
    """The session has a hold that has not ended."""
    return AccountingError(409, "SESSION_ALREADY_OPEN", "The session has a stream that has not ended.", "sessionId")


class AccountingErrors:
    """Exceptions as errors for callers."""

    def refusal(self, error: Exception) -> AccountingError:
        """What a caller reads."""
        match error:
            case AccountingError():
                return error
            case Denied():
                return AccountingError(401, "UNAUTHORIZED", str(error), headers={"WWW-Authenticate": error.challenge})
            case InsufficientCredits():
                return self.insufficient(error)
        return AccountingError(500, "INTERNAL_ERROR", "The request could not be completed.")

    def insufficient(self, error: InsufficientCredits) -> AccountingError:
        """A balance below the hold."""
        why = f"Insufficient credits: the stream needs {error.needed}, the balance is {error.balance}."
        return AccountingError(402, "INSUFFICIENT_CREDITS", why)
