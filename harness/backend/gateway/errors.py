"""Errors as the gateway's clients read them, and the table that maps providers' failures to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from harness.backend.accounts import InsufficientCredits
from harness.backend.auth import Denied
from harness.backend.errors import ErrorObject
from harness.backend.log import Scrubber
from harness.backend.upstream import Kind, UpstreamError

WORDS_CHARACTERS = 10_000


class GatewayError(ErrorObject):
    """A refusal or failure; most are the client's."""


def invalid(param: str, message: str, status: int = 400) -> GatewayError:
    """A request that cannot be right; ``param`` is the field to mend."""
    code = "invalid_request_error" if status == 400 else "request_too_large"
    return GatewayError(status, code, message, param=param)


def no_such_model(name: str) -> GatewayError:
    """A model that the catalogue does not have."""
    return GatewayError(404, "model_not_found", f"The model {name[:100]!r} does not exist.", param="model")


def not_in_tier(name: str, tier: str) -> GatewayError:
    """A model that the user's tier does not include."""
    message = f"The model {name!r} is not included in the tier {tier!r}."
    return GatewayError(403, "model_not_in_tier", message, type="permission_error", param="model")


def not_priced(name: str) -> GatewayError:
    """A model that nobody put a price on."""
    return GatewayError(
        400, "model_not_priced", f"The model {name!r} has no price and cannot be called.", param="model"
    )


def no_key(provider: str) -> GatewayError:
    """A provider that the gateway has no key for."""
    code = "provider_auth_error"
    return GatewayError(502, code, f"The gateway has no credentials for the provider {provider!r}.", type=code)


def internal() -> GatewayError:
    """Our own failure, without its words."""
    return GatewayError(500, "internal_error", "The gateway failed to handle the request.", type="server_error")


def shutting_down() -> GatewayError:
    """A call that came, or would have gone on, after the gateway was told to stop."""
    return GatewayError(503, "gateway_shutting_down", "The gateway is shutting down.", type="server_error")


class ErrorMapper:
    """Exceptions as errors for clients. ``type`` and ``code`` of a provider's failure are the same word.

    | kind of failure | status, code |
    | --- | --- |
    | key refused | 502 ``provider_auth_error``, never in the provider's words: they may hold the key |
    | no such model | 404 ``model_not_found`` |
    | request refused | 400 ``invalid_request_error``, in the provider's words |
    | rate limited | 429 ``rate_limit_exceeded``, with ``retry-after`` as it came |
    | failed | 503 ``provider_unavailable`` |
    | not reached | 503 ``provider_unreachable`` |
    | too slow | 504 ``provider_timeout`` |
    | not what its protocol allows | 502 ``provider_invalid_response`` |
    | broke off | 502 ``provider_stream_incomplete`` |
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def map(self, error: BaseException) -> GatewayError:
        """The error that a client reads for this exception."""
        match error:
            case GatewayError():
                return error
            case UpstreamError():
                return self.provider_failure(error)
            case Denied():
                return self.denied(error)
            case InsufficientCredits():
                return self.insufficient(error)
            case SQLAlchemyError():
                return internal()
        return internal()

    def provider_failure(self, error: UpstreamError) -> GatewayError:
        """A provider's failure by the table."""
        status, code, message = _TABLE[error.kind]
        if error.kind is Kind.AUTH:
            message = self.auth_message(error)
        if error.kind is Kind.REFUSED:
            message = self.refused_message(error)
        return GatewayError(status, code, message, type=code, param=self.param(error), headers=self.headers(error))

    def auth_message(self, error: UpstreamError) -> str:
        """What a client reads when a provider refuses the gateway's key."""
        return _TABLE[error.kind][2]

    def refused_message(self, error: UpstreamError) -> str:
        """The provider's own words on what is wrong with the request, or ours where it gave none."""
        return self._scrubber.clean(error.words)[:WORDS_CHARACTERS] or _TABLE[error.kind][2]

    def param(self, error: UpstreamError) -> str | None:
        """The field that a provider found wrong."""
        return error.param if error.kind is Kind.REFUSED else None

    def headers(self, error: UpstreamError) -> dict[str, str]:
        """What of a provider's headers is passed on: how long to wait."""
        if error.kind is Kind.RATE_LIMITED and error.retry_after is not None:
            return {"retry-after": error.retry_after}
        return {}

    def denied(self, error: Denied) -> GatewayError:
        """A caller who is not known."""
        return GatewayError(
            401, "invalid_token", str(error), type="authentication_error", headers=self.challenge(error)
        )

    def challenge(self, error: Denied) -> dict[str, str]:
        """RFC 9110 section 15.5.2: a 401 says how to authenticate."""
        return {"WWW-Authenticate": error.challenge}

    def insufficient(self, error: InsufficientCredits) -> GatewayError:
        """A balance below the hold."""
        message = f"The call needs {error.needed} credits in advance, the balance is {error.balance}."
        return GatewayError(402, "insufficient_credits", message, type="insufficient_credits")

    def answer(self, error: BaseException) -> GatewayError:
        """What is told by an answer of its own."""
        return self.map(error)

    def in_band(self, error: BaseException) -> GatewayError:
        """What is told inside a stream that has begun."""
        return self.map(error)

    def answer_body(self, error: GatewayError) -> Any:
        """The body of an error answer."""
        return error.body()


_TABLE: Mapping[Kind, tuple[int, str, str]] = {
    Kind.AUTH: (502, "provider_auth_error", "The provider refused the gateway's credentials."),
    Kind.NOT_FOUND: (404, "model_not_found", "The provider does not have this model."),
    Kind.REFUSED: (400, "invalid_request_error", "The provider refused the request."),
    Kind.RATE_LIMITED: (429, "rate_limit_exceeded", "The provider's rate limit is reached."),
    Kind.UNAVAILABLE: (503, "provider_unavailable", "The provider failed to answer."),
    Kind.UNREACHABLE: (503, "provider_unreachable", "The provider cannot be reached."),
    Kind.TIMEOUT: (504, "provider_timeout", "The provider took too long to answer."),
    Kind.INVALID: (502, "provider_invalid_response", "The provider's answer cannot be understood."),
    Kind.INCOMPLETE: (502, "provider_stream_incomplete", "The provider's stream ended before the answer did."),
}
