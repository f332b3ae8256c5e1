"""What Google's token endpoint promises, which Vertex AI's access tokens come from."""

from __future__ import annotations

from harness.core.recording import Json, Recording
from harness.core.verdict import Subject

from .provider_generations import Grant, grants
from .registry import Findings, contract

ERROR_CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
_OK, _REFUSED = range(200, 201), range(400, 402)


@contract(
    "vertex.token-answer",
    select=grants(_OK),
    source="RFC 6749, section 5.1: access_token and token_type are REQUIRED, expires_in is a number of seconds",
    subject=Subject.PROVIDER,
    breakers=("vertex-no-token", "vertex-no-token-type", "vertex-lifetime-in-words", "vertex-token-text"),
)
def token_answer(grant: Grant, _recording: Recording) -> Findings:
    """A grant is a JSON object with an access token, its type, and its lifetime as a number of seconds.

    Clients refresh by the lifetime; without it a token is used until it is refused.
    """
    document = grant.document if isinstance(grant.document, dict) else {}
    for name in ("access_token", "token_type"):
        if not isinstance(document.get(name), str) or not document[name]:
            yield grant.violation(f"The grant has no {name}.")
            return
    lifetime: Json = document.get("expires_in", 1)
    if not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime <= 0:
        yield grant.violation(f"The token is said to expire in {lifetime!r} seconds.")


@contract(
    "vertex.token-not-stored",
    select=grants(_OK),
    source="RFC 6749, section 5.1: Cache-Control MUST be no-store in a response with tokens",
    subject=Subject.PROVIDER,
    breakers=("vertex-token-cached",),
)
def token_not_stored(grant: Grant, _recording: Recording) -> Findings:
    """An answer with a token forbids every cache to keep it.

    A token in a cache is a credential on somebody's disk.
    """
    said = (grant.header("cache-control") or "").lower()
    if grant.headers_kept and "no-store" not in [word.strip() for word in said.split(",")]:
        yield grant.violation(f"Cache-Control is {said!r}.")


@contract(
    "vertex.token-error",
    select=grants(_REFUSED),
    source="RFC 6749, section 5.2",
    subject=Subject.PROVIDER,
    breakers=("vertex-refusal-text", "vertex-unknown-refusal"),
)
def token_error(grant: Grant, _recording: Recording) -> Findings:
    """A refusal of the token endpoint is a JSON object with one of the registered error codes.

    Clients tell by it whether trying again can help.
    """
    error = grant.document.get("error") if isinstance(grant.document, dict) else None
    if error not in ERROR_CODES:
        yield grant.violation(f"The refusal's error is {error!r}.")
