"""Tokens for the contracts on authentication: right ones, and each kind of wrong one (RFC 7519, RFC 8725)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jwt

from harness.core.errors import UnknownName

HOUR_S = 3600
BRIEF_S = 3.0
"""How long a brief token is good at least, which a busy machine can keep; its end is on a whole second (RFC 7519)."""


def _signed(claims: dict[str, Any], secret: str) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


def _claims(user_id: str, **changes: Any) -> dict[str, Any]:
    return {"sub": user_id, "role": "user", "exp": int(time.time()) + HOUR_S, **changes}


KINDS: Mapping[str, Callable[[str, str], str]] = MappingProxyType(
    {
        "valid": lambda user, secret: _signed(_claims(user), secret),
        "brief": lambda user, secret: _signed(_claims(user, exp=int(time.time() + BRIEF_S) + 1), secret),
        "expired": lambda user, secret: _signed(_claims(user, exp=int(time.time()) - HOUR_S), secret),
        "not-yet-valid": lambda user, secret: _signed(_claims(user, nbf=int(time.time()) + HOUR_S), secret),
        "foreign-key": lambda user, secret: _signed(_claims(user), f"not the key of this system {secret[::-1]}"),
        "unsigned": lambda user, _secret: jwt.encode(_claims(user), "", algorithm="none"),
        "garbage": lambda _user, _secret: "not.a.token",
    }
)


def mint(kind: str, user_id: str, secret: str) -> str:
    """A token of this kind.

    Raises:
        UnknownName: there is no such kind.
    """
    if kind not in KINDS:
        raise UnknownName("kind of token", kind, KINDS)
    return KINDS[kind](user_id, secret)
