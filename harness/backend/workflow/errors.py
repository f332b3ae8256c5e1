"""Errors as clients of the workflow read them, and the table that words the provider's failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.backend.accounts import InsufficientCredits
from harness.backend.auth import Denied
from harness.backend.errors import ErrorObject
from harness.backend.log import Scrubber
from harness.backend.upstream import Kind, UpstreamError

WORDS_CHARACTERS = 10_000
SERVER_ERROR = "server_error"
PROVIDER_ERROR = "provider_error"
INVALID_REQUEST = "invalid_request_error"


@dataclass(eq=False)
class PlanError(ErrorObject):
    """A refusal or failure; most are the provider's."""

    type: str = PROVIDER_ERROR


def invalid(message: str, param: str | None = None, status: int = 400) -> PlanError:
    """A request that cannot be right; ``param`` is the field, where one is at fault."""
    return PlanError(status, "INVALID_REQUEST", message, INVALID_REQUEST, param)


def internal() -> PlanError:
    """Our own failure, without its words."""
    return PlanError(500, "INTERNAL_ERROR", "The plan could not be completed.", SERVER_ERROR)


def shutting_down() -> PlanError:
    """A request that came, or a plan that would have gone on, after the service was told to stop."""
    return PlanError(503, "SHUTTING_DOWN", "The service is shutting down.", SERVER_ERROR)


INVALID_RESPONSE = (502, "PROVIDER_INVALID_RESPONSE", "The provider's answer cannot be used.")
FAILURES: Mapping[Kind, tuple[int, str, str]] = MappingProxyType(
    {
        Kind.AUTH: (502, "PROVIDER_AUTH_ERROR", "The provider refused the service's credentials."),
        Kind.NOT_FOUND: (502, "PROVIDER_SESSION_NOT_FOUND", "The provider does not know the session."),
        Kind.REFUSED: (502, "PROVIDER_REJECTED_MESSAGE", "The provider refused the request."),
        Kind.RATE_LIMITED: (429, "PROVIDER_RATE_LIMITED", "The provider takes no more requests for now."),
        Kind.UNAVAILABLE: (503, "PROVIDER_UNAVAILABLE", "The provider is unavailable for now."),
        Kind.UNREACHABLE: (503, "PROVIDER_UNREACHABLE", "The provider cannot be reached."),
        Kind.TIMEOUT: (504, "PROVIDER_TIMEOUT", "The provider did not answer in time."),
        Kind.INVALID: INVALID_RESPONSE,
        Kind.INCOMPLETE: INVALID_RESPONSE,
    }
)
"""What went wrong at the provider -> status, code and words for the client."""

AT_FIRST: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.NOT_FOUND: "The provider does not know the workflow that makes the plans.",
        Kind.REFUSED: "The provider refused to begin a session",
    }
)
"""Other words for what goes wrong before there is a session, or a message: the codes are the same."""


class ErrorTable:
    """Exceptions as errors for clients, by ``FAILURES``. Of a refused request the provider's own words are told.

    ``begun`` is whether the provider had made a session by then: see ``AT_FIRST``.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def told(self, error: Exception, *, begun: bool = True) -> PlanError:
        """What a client reads of this."""
        match error:
            case PlanError():
                return error
            case Denied():
                headers = {"WWW-Authenticate": error.challenge}
                return PlanError(401, "UNAUTHORIZED", str(error), "authentication_error", headers=headers)
            case InsufficientCredits():
                message = f"Insufficient credits: a plan costs {error.needed}, the balance is {error.balance}."
                return PlanError(402, "INSUFFICIENT_CREDITS", message, "insufficient_credits")
            case UpstreamError():
                return self.failure(error, begun=begun)
        return internal()

    def failure(self, error: UpstreamError, *, begun: bool) -> PlanError:
        """What a client reads of a provider's failure."""
        status, code, words = self.row(error)
        at_first = "" if begun else AT_FIRST.get(error.kind, "")
        words = at_first or words
        if error.kind is Kind.REFUSED:
            said = self.words(error)
            words = ": ".join(filter(None, (at_first, said))) if said else words
        wait = error.retry_after if error.kind is Kind.RATE_LIMITED else None
        headers = {"Retry-After": wait} if wait else {}
        return PlanError(status, code, words, headers=headers)

    def row(self, error: UpstreamError) -> tuple[int, str, str]:
        """The table."""
        return FAILURES[error.kind]

    def words(self, error: UpstreamError) -> str:
        """The provider's own words, without secrets."""
        return self._scrubber.clean(error.words)[:WORDS_CHARACTERS]
