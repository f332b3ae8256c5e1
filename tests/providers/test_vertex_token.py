"""Access tokens and the assertions that they are granted for."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.providers.vertex_token import (
    GRANT,
    LIFETIME_S,
    AccessToken,
    Assertion,
    expired,
    read_grant,
    read_token,
)

NOW_S = 1_800_000_000.0
CLAIMS: dict[str, Any] = {"iss": "robot@p.example", "aud": "http://x/token", "iat": NOW_S, "exp": NOW_S + 3600}


def part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def form(claims: object = CLAIMS, *, alg: object = "RS256", grant: str = GRANT) -> bytes:
    return urlencode({"grant_type": grant, "assertion": f"{part({'alg': alg})}.{part(claims)}.sig"}).encode()


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 10**16 - 1))
def test_a_token_tells_its_owner_and_its_age(owner: str, issued_us: int) -> None:
    token = AccessToken(owner, issued_us)
    assert read_token(str(token)) == token
    assert not token.expired(issued_us / 1e6)
    assert token.expired(issued_us / 1e6 + LIFETIME_S)


@pytest.mark.parametrize("text", ["", "ya29.", "ya29.???", "ya29.a0AfH6SMBx", "sk-test", "ya29.gICA"])
def test_tokens_of_another_make(text: str) -> None:
    assert read_token(text) is None


@given(st.text())
def test_any_text_is_taken_for_a_token(text: str) -> None:
    read_token("ya29." + text)


def test_an_assertion_is_read() -> None:
    assert read_grant(form()) == Assertion("robot@p.example", None, NOW_S, NOW_S + 3600)
    assert read_grant(form()).owner == "robot"
    assert read_grant(form({**CLAIMS, "sub": "someone@else.example"})).owner == "someone"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "unsupported_grant_type"),
        (form(grant="refresh_token"), "unsupported_grant_type"),
        (urlencode({"grant_type": GRANT}).encode(), "invalid_grant"),
        (urlencode({"grant_type": GRANT, "assertion": "a.b.c"}).encode(), "invalid_grant"),
        (form(alg="none"), "invalid_grant"),
        (form([1]), "invalid_grant"),
        (form({**CLAIMS, "iss": ""}), "invalid_grant"),
        (form({**CLAIMS, "aud": None}), "invalid_grant"),
        (form({**CLAIMS, "exp": "soon"}), "invalid_grant"),
    ],
)
def test_grants_that_are_refused(body: bytes, why: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_grant(body)
    assert caught.value.where == why


@pytest.mark.parametrize(
    ("issued_s", "expires_s", "usable"),
    [
        (0, 3600, True),
        (-3500, 100, True),
        (-3800, -200, True),  # within the skew
        (-4000, -400, False),
        (400, 4000, False),
        (0, 3601, False),
    ],
)
def test_an_assertion_has_its_time(issued_s: float, expires_s: float, usable: bool) -> None:
    assertion = Assertion("robot@p.example", None, NOW_S + issued_s, NOW_S + expires_s)
    assert (expired(assertion, NOW_S) is None) is usable
