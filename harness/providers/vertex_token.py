"""Google's access tokens: the JWT-bearer grant of a service account, and tokens that tell their age.

Source: RFC 7523 (the grant), RFC 6749 section 5 (answers and errors of a token endpoint), and Google's page on OAuth
2.0 for server-to-server applications (what the assertion holds; ``ya29.`` in front of a token is Google's habit). A
simulated token holds its owner and the time of its issue, so an endpoint that keeps no state can tell whether it has
expired. Nobody checks signatures here: keys are made up.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from harness.core.errors import DecodeError
from harness.core.recording import Json
from harness.framing import json

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PREFIX = "ya29."
LIFETIME_S = 3_599
LONGEST_ASSERTION_S = 3_600
SKEW_S = 300
"""How far the clocks of issuer and endpoint may be apart, in seconds."""

_OURS = re.compile(r"([0-9]{1,16})\.(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token of the simulated endpoint. ``owner`` is whom it was issued for, ``issued_us`` when, in microseconds."""

    owner: str
    issued_us: int

    def __str__(self) -> str:
        """The token as it is sent."""
        return PREFIX + base64.urlsafe_b64encode(f"{self.issued_us}.{self.owner}".encode()).decode().rstrip("=")

    def expired(self, now_s: float) -> bool:
        """Whether it is too old at this time of day, in seconds since 1970."""
        return now_s >= self.issued_us / 1e6 + LIFETIME_S


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a service account asserts: who it is (``iss``), for whom (``sub``), and from when to when, in seconds."""

    issuer: str
    subject: str | None
    issued_s: float
    expires_s: float

    @property
    def owner(self) -> str:
        """Whom the token is for: the name before the ``@`` of the subject, or of the account itself."""
        return (self.subject or self.issuer).partition("@")[0]


def read_token(text: str) -> AccessToken | None:
    """A token of the simulated endpoint; None where it is of another make."""
    if not text.startswith(PREFIX):
        return None
    try:
        found = _OURS.fullmatch(_decoded(text.removeprefix(PREFIX)).decode())
    except (DecodeError, UnicodeDecodeError):
        return None
    return AccessToken(found[2], int(found[1])) if found else None


def read_grant(body: bytes) -> Assertion:
    """The assertion of a request for a token.

    Raises:
        DecodeError: another grant (``where`` is ``unsupported_grant_type``), or no JWT that says who, from when and to
            when (``invalid_grant``).
    """
    fields = parse_qs(body.decode("utf-8", "replace"))
    if fields.get("grant_type") != [GRANT]:
        raise DecodeError("Invalid grant_type: only the JWT-bearer grant is served", where="unsupported_grant_type")
    parts = fields.get("assertion", [""])[0].split(".")
    if len(parts) != 3:
        raise DecodeError("Invalid JWT: not three parts", where="invalid_grant")
    try:
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    except DecodeError:
        raise DecodeError("Invalid JWT: header or claims are not JSON in base64url", where="invalid_grant") from None
    return _assertion(header, claims)


def _assertion(header: Json, claims: Json) -> Assertion:
    if not isinstance(header, dict) or header.get("alg") not in ("RS256", "ES256"):
        raise DecodeError("Invalid JWT: it must be signed with RS256 or ES256", where="invalid_grant")
    claims = claims if isinstance(claims, dict) else {}
    issuer, subject = claims.get("iss"), claims.get("sub")
    times = [claims.get("iat"), claims.get("exp")]
    if not isinstance(issuer, str) or not issuer or not isinstance(claims.get("aud"), str):
        raise DecodeError("Invalid JWT: 'iss' and 'aud' are required", where="invalid_grant")
    if not all(isinstance(time, int | float) and not isinstance(time, bool) for time in times):
        raise DecodeError("Invalid JWT: 'iat' and 'exp' must be times", where="invalid_grant")
    return Assertion(issuer, subject if isinstance(subject, str) else None, *times)


def expired(assertion: Assertion, now_s: float) -> str | None:
    """Why an assertion cannot be used at this time of day, in seconds since 1970; None where it can."""
    if assertion.expires_s + SKEW_S < now_s or assertion.issued_s - SKEW_S > now_s:
        return "Invalid JWT: it has expired, or is not valid yet"
    if assertion.expires_s - assertion.issued_s > LONGEST_ASSERTION_S:
        return "Invalid JWT: it is valid for more than an hour"
    return None


def _decoded(text: str) -> bytes:
    """The bytes of base64url without its padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise DecodeError("not base64url") from None
