"""Who calls: bearer tokens (RFC 6750) that are JWTs signed with HS256."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt

from .ids import parse_id

ROLES = frozenset({"user", "supervisor"})
REALM = "harness-backend"


class Denied(Exception):
    """The caller is not known. ``challenge`` is the value of ``WWW-Authenticate``; ``str()`` says why."""

    def __init__(self, why: str, challenge: str) -> None:
        self.challenge = challenge
        super().__init__(why)


class Expired(Denied):
    """The same of a token that was right, and has expired."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a token says the caller is."""

    user_id: UUID
    role: str


class Authenticator:
    """Reads and mints tokens.

    A token must be signed with HS256 (``alg: none`` and every other algorithm are refused), must not have expired
    (``exp``, required) nor be used before its time (``nbf``), its ``sub`` is a UUID and its ``role`` a known one.
    """

    algorithms: tuple[str, ...] = ("HS256",)
    required: tuple[str, ...] = ("exp", "sub", "role")

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def mint(self, user_id: UUID, role: str, valid_s: int = 3600) -> str:
        """A token for a user, valid for ``valid_s`` seconds from now."""
        now = int(time.time())
        claims = {"sub": str(user_id), "role": role, "iat": now, "exp": now + valid_s}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def authenticate(self, header: str | None, *, then: datetime | None = None) -> Principal:
        """The principal that an ``Authorization`` header names. Raises Denied.

        ``then``: a token will do that had not expired at that moment, whether it has expired since or not.
        """
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise self.denied("A bearer token is required.", given=False)
        if not token.isascii():  # RFC 6750 section 2.1; and bytes that are no UTF-8 have come as what cannot be encoded
            raise self.denied("The token is refused: it is not in ASCII.", given=True)
        try:
            claims = self.claims(token.strip()) if then is None else self.claims_then(token.strip(), then)
        except jwt.ExpiredSignatureError as late:
            raise self.expired(f"The token is refused: {late}.") from late
        except jwt.PyJWTError as wrong:
            raise self.denied(f"The token is refused: {wrong}.", given=True) from wrong
        return self.principal(claims)

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token whose signature and times are right. Raises PyJWTError."""
        claims: Mapping[str, Any] = jwt.decode(
            token, self._secret, algorithms=list(self.algorithms), options={"require": list(self.required)}
        )
        return claims

    def claims_then(self, token: str, then: datetime) -> Mapping[str, Any]:
        """The same of a token that had not expired at that moment. Raises PyJWTError."""
        claims: Mapping[str, Any] = jwt.decode(
            token,
            self._secret,
            algorithms=list(self.algorithms),
            options={"require": list(self.required), "verify_exp": False},
        )
        ends = claims["exp"]
        if isinstance(ends, bool) or not isinstance(ends, int | float) or ends <= then.timestamp():
            raise jwt.ExpiredSignatureError("it had expired by then")
        return claims

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """The principal in checked claims. Raises Denied where ``sub`` or ``role`` are not of their kind."""
        user_id, role = parse_id(claims.get("sub")), claims.get("role")
        if user_id is None:
            raise self.denied("The token is refused: its sub is not a UUID.", given=True)
        if not isinstance(role, str) or role not in ROLES:
            raise self.denied("The token is refused: its role is unknown.", given=True)
        return Principal(user_id, role)

    def denied(self, why: str, *, given: bool) -> Denied:
        """A refusal with its challenge: RFC 6750 section 3, which names no error where no token was given."""
        return Denied(why, f'Bearer realm="{REALM}"' + (', error="invalid_token"' if given else ""))

    def expired(self, why: str) -> Expired:
        """A refusal of a token that was right."""
        return Expired(why, self.denied(why, given=True).challenge)
