"""Errors as clients of chat read them, and the table of the provider's and accounting's failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.backend.auth import Denied
from harness.backend.log import Scrubber
from harness.backend.upstream import Kind, UpstreamError

MESSAGE = "Error streaming chat response"
WORDS_CHARACTERS = 10_000
NAME_CHARACTERS = 1_000


@dataclass(eq=False)
class ChatError(Exception):
    """A refusal or failure: the HTTP status before a stream began, the code in either case, and why.

    ``message`` stands in the field of that name; ``why``, where there is one, in ``error``.
    """

    status: int
    code: str | None
    why: str = ""
    message: str = MESSAGE
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.why or self.message}"

    def body(self) -> dict[str, Any]:
        """``{"message", "error"?, "errorCode"?}``."""
        body = {"message": self.message, "error": self.why or None, "errorCode": self.code}
        return {name: value for name, value in body.items() if value is not None}

    def plain(self) -> ChatError:
        """The same for a call that is no stream: its message is why."""
        return replace(self, message=self.why, why="") if self.why else self

    def event(self) -> dict[str, Any]:
        """The data of an error event: ``{"message", "errorCode"}``."""
        return {"message": self.why or self.message, "errorCode": self.code}


class AccountingFailed(Exception):
    """Accounting refused or failed. ``status`` is what it answered, None where it did not."""

    def __init__(self, why: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(why)

    @property
    def refused(self) -> bool:
        """Whether accounting said that it did nothing; after any other failure it may have done it all the same."""
        return self.status is not None and 400 <= self.status < 500


def invalid(why: str, status: int = 400) -> ChatError:
    """A request that cannot be right; the reason names the field."""
    return ChatError(status, "INVALID_REQUEST", why)


def insufficient() -> ChatError:
    """The balance does not cover the stream."""
    return ChatError(402, "INSUFFICIENT_CREDITS", "Insufficient credits to begin a stream.")


def not_available(model: str) -> ChatError:
    """A model that is not offered, or that the provider does not have."""
    return ChatError(400, "MODEL_NOT_AVAILABLE", f"Model '{model[:NAME_CHARACTERS]}' is not available.")


def no_session() -> ChatError:
    """No such session, or another user's, or no id: the same answer, so that nobody learns which sessions exist."""
    return ChatError(404, "SESSION_NOT_FOUND", "There is no such chat session.")


def not_active() -> ChatError:
    """Nothing is streaming that could be observed."""
    return ChatError(404, "SESSION_NOT_ACTIVE", message="No active streaming session found for observation")


def busy() -> ChatError:
    """The session has a stream already."""
    return ChatError(409, "SESSION_BUSY", "The session is streaming already.")


def deleted() -> ChatError:
    """The session was deleted, before or meanwhile."""
    return ChatError(410, "SESSION_DELETED", "The chat session was deleted.")


def forbidden(why: str) -> ChatError:
    """The caller is known, and may not."""
    return ChatError(403, "FORBIDDEN", why)


def cancelled() -> ChatError:
    """What is left to say to observers of a stream whose owner has gone."""
    return ChatError(499, "STREAM_CANCELLED", "The owner of the stream has left.")


def internal() -> ChatError:
    """Our own failure, without its words."""
    return ChatError(500, "INTERNAL_ERROR", "The request could not be completed.")


def shutting_down() -> ChatError:
    """A request that came, or a stream that would have gone on, after the service was told to stop."""
    return ChatError(503, "SHUTTING_DOWN", "The service is shutting down.")


_KINDS: Mapping[Kind, tuple[int, str]] = {
    Kind.AUTH: (502, "PROVIDER_AUTH_ERROR"),
    Kind.REFUSED: (400, "PROVIDER_REJECTED_REQUEST"),
    Kind.RATE_LIMITED: (429, "RATE_LIMIT_EXCEEDED"),
    Kind.UNAVAILABLE: (503, "PROVIDER_UNAVAILABLE"),
    Kind.UNREACHABLE: (503, "PROVIDER_UNREACHABLE"),
    Kind.TIMEOUT: (504, "PROVIDER_TIMEOUT"),
    Kind.INVALID: (502, "PROVIDER_INVALID_RESPONSE"),
    Kind.INCOMPLETE: (502, "PROVIDER_STREAM_INCOMPLETE"),
}


class ChatErrors:
    """Exceptions as errors for clients: what went wrong at the provider has a code each, at accounting three."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def told(self, error: Exception, model: str = "") -> ChatError:
        """What a client reads of a failure; ``model`` is what was asked for, where that is known."""
        match error:
            case ChatError():
                return error
            case Denied():
                return ChatError(401, "UNAUTHORIZED", str(error), headers={"WWW-Authenticate": error.challenge})
            case UpstreamError():
                return self.provider(error, model)
            case AccountingFailed():
                return self.accounting(error)
        return internal()

    def provider(self, error: UpstreamError, model: str) -> ChatError:
        """The provider failed. Its words are passed on only where they are for the client: a request it refused."""
        if error.kind is Kind.NOT_FOUND:
            return not_available(model)
        status, code = _KINDS[error.kind]
        return ChatError(status, code, self.words(error), headers=self.headers(error))

    def headers(self, error: UpstreamError) -> dict[str, str]:
        """How long to wait, where the provider said so of a limit."""
        return {"retry-after": error.retry_after} if error.kind is Kind.RATE_LIMITED and error.retry_after else {}

    def words(self, error: UpstreamError) -> str:
        """Why, without secrets."""
        theirs = error.words if error.kind is Kind.REFUSED else ""
        return self._scrubber.clean(theirs)[:WORDS_CHARACTERS] or f"{error}"

    def accounting(self, error: AccountingFailed) -> ChatError:
        """Accounting refused, or could not be asked."""
        if error.status == 402:
            return ChatError(402, "INSUFFICIENT_CREDITS", str(error))
        if error.status is None:
            return ChatError(503, "ACCOUNTING_UNAVAILABLE", str(error))
        return ChatError(502, "ACCOUNTING_ERROR", str(error))
