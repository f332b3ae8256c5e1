"""Errors as the agent's clients read them: the gateway's, and what only the agent has to say."""

from __future__ import annotations

from math import ceil

from harness.backend.credentials import FILE, PROJECT, TOKEN
from harness.backend.gateway.errors import ErrorMapper, GatewayError
from harness.backend.google import NoCredentials

from .breaker import CircuitOpen

NO_TOKEN = "No access token available - cannot fetch models from Vertex AI"


def no_session() -> GatewayError:
    """No such session, or another user's: the same answer, so that nobody learns which sessions exist."""
    return GatewayError(404, "session_not_found", "There is no such session.", param="session_id")


class AgentErrors(ErrorMapper):
    """Exceptions as errors for clients.

    | failure | status, code |
    | --- | --- |
    | the provider's breaker is open | 503 ``provider_circuit_open``, with ``retry-after`` while it stays so |
    | nothing to ask Vertex with | 503 ``no_access_token``, naming the settings that are missing |
    | anything else | as at the gateway |
    """

    def map(self, error: BaseException) -> GatewayError:
        """The error that a client reads for this exception."""
        match error:
            case CircuitOpen():
                return self.circuit_open(error)
            case NoCredentials():
                return self.no_credentials(error)
        return super().map(error)

    def circuit_open(self, error: CircuitOpen) -> GatewayError:
        """A provider that is left alone for a time."""
        code = "provider_circuit_open"
        message = "The provider has failed repeatedly and is not asked for a while."
        headers = {"retry-after": str(ceil(error.retry_s))} if error.retry_s > 0 else {}
        return GatewayError(503, code, message, type=code, headers=headers)

    def no_credentials(self, error: NoCredentials) -> GatewayError:
        """Vertex cannot be asked: which settings would change that."""
        code = "no_access_token"
        return GatewayError(503, code, f"{NO_TOKEN}: set {self.remedy(error)}", type=code)

    def remedy(self, error: NoCredentials) -> str:
        """The missing settings in words: a service account, whose models are of a project, or a token."""
        account = [one for one in (FILE, PROJECT) if one in error.missing]
        return f"{' and '.join(account)}, or {TOKEN}"
