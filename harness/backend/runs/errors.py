"""Errors as clients of runs read them, and the table that words the provider's failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from harness.backend.accounts import InsufficientCredits
from harness.backend.auth import Denied
from harness.backend.clock import utc_text
from harness.backend.log import Scrubber
from harness.backend.upstream import Kind, UpstreamError

WORDS_CHARACTERS = 10_000
NAME_CHARACTERS = 1_000
AI_GENERATION_ERROR = "AI_GENERATION_ERROR"


@dataclass(eq=False)
class RunError(Exception):
    """A refusal or failure with its HTTP status. ``code`` and ``details`` are left out of the body where absent."""

    status: int
    message: str
    code: str | None = None
    details: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code or ''}: {self.message}"

    def body(self) -> dict[str, Any]:
        """``{"error", "code"?, "details"?}``."""
        given = {"error": self.message, "code": self.code, "details": self.details}
        return {name: value for name, value in given.items() if value is not None}


def invalid(message: str, status: int = 400) -> RunError:
    """A request that cannot be right; the message names the field."""
    return RunError(status, message)


def invalid_model(name: str) -> RunError:
    """A model that no request may name."""
    return RunError(400, f"Invalid model name: {name[:NAME_CHARACTERS]}")


def no_project() -> RunError:
    """No such project, or not this user's, or no id: the same answer, so that nobody learns which projects exist."""
    return RunError(404, "Project not found")


def internal() -> RunError:
    """Our own failure, without its words."""
    return RunError(500, "The run could not be completed.", "INTERNAL_ERROR")


def shutting_down() -> RunError:
    """A request that came, or a run that would have gone on, after the service was told to stop."""
    return RunError(503, "The service is shutting down.", "SHUTTING_DOWN")


class ErrorTable:
    """Exceptions as errors for clients. A provider's failure is a 500 whose message says what happened:

    | provider | message |
    | --- | --- |
    | 401, 403 | authentication failed, never in the provider's words: they may hold the key |
    | 404 | the model, by the name that was asked for, was not found |
    | 400 | the provider's message |
    | 429 | rate limit |
    | 500 and above | unavailable |
    | no connection, or too slow | cannot connect |
    | anything else | the reason, in our words |
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def refusal(self, error: Exception) -> RunError:
        """What a client reads of a request that no run came of."""
        match error:
            case RunError():
                return error
            case Denied():
                return RunError(401, str(error), headers=self.challenge(error))
            case InsufficientCredits():
                return self.insufficient(error)
        return internal()

    def failure(self, error: Exception, model: str) -> RunError:
        """What a client reads of a run that failed; ``model`` is the name that was asked for."""
        if not isinstance(error, UpstreamError):
            return self.refusal(error)
        return RunError(500, self.message(error, model), AI_GENERATION_ERROR, self.details(model))

    def message(self, error: UpstreamError, model: str) -> str:
        """The table."""
        if error.status in (401, 403):
            return self.auth_message(error)
        if error.status == 404:
            return f"Model '{model}' not found. Please check model name or use a supported model."
        if error.status == 400:
            return f"LLM API error: {self.words(error)}"
        if error.status == 429:
            return "Rate limit exceeded. Please try again later."
        if error.status is not None and error.status >= 500:
            return "LLM service is temporarily unavailable. Please try again later."
        if error.status is None and error.kind in (Kind.UNREACHABLE, Kind.TIMEOUT):
            return self.no_connection_message(error)
        return f"Failed to generate AI response: {error}"

    def auth_message(self, error: UpstreamError) -> str:
        """The provider refused our key."""
        del error
        return "LLM API authentication failed. Please check API key configuration."

    def no_connection_message(self, error: UpstreamError) -> str:
        """The provider could not be reached, or did not answer in time."""
        del error
        return "Cannot connect to LLM service. Please check your network connection."

    def words(self, error: UpstreamError) -> str:
        """The provider's own words without secrets, or ours where it gave none."""
        return self._scrubber.clean(error.words)[:WORDS_CHARACTERS] or str(error)

    def details(self, model: str) -> dict[str, Any] | None:
        """What was asked for, and when it failed."""
        return {"model": model, "timestamp": utc_text(datetime.now(UTC))}

    def challenge(self, error: Denied) -> dict[str, str]:
        """RFC 9110 section 15.5.2: a 401 says how to authenticate."""
        return {"WWW-Authenticate": error.challenge}

    def insufficient(self, error: InsufficientCredits) -> RunError:
        """A balance below the price."""
        message = f"Insufficient credits: a run costs {error.needed}, the balance is {error.balance}."
        return RunError(402, message, "INSUFFICIENT_CREDITS")

    def answer_body(self, error: RunError) -> dict[str, Any]:
        """The body of an error answer."""
        return error.body()
