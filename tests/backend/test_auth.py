import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from harness.backend.auth import Authenticator, Denied, Expired

SECRET = "a secret for tokens of at least 32 bytes"
USER = uuid4()


def claims(**changes):
    now = int(time.time())
    base = {"sub": str(USER), "role": "user", "exp": now + 60}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def signed(key=SECRET, algorithm="HS256", **changes):
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


@pytest.fixture
def authenticator():
    return Authenticator(SECRET)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("role", ["user", "supervisor"])
def test_a_right_token_names_its_user(authenticator, scheme, role):
    principal = authenticator.authenticate(f"{scheme} {signed(role=role, nbf=int(time.time()) - 5)}")
    assert (principal.user_id, principal.role) == (USER, role)


def test_a_minted_token_is_a_right_one(authenticator):
    assert authenticator.authenticate(f"Bearer {authenticator.mint(USER, 'user')}").user_id == USER


@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        "a.b.c",
        "é.b.c",
        b"\xe9\xff".decode(errors="surrogateescape"),
        signed(key="another secret of at least 32 bytes, surely"),
        signed(exp=int(time.time()) - 1),
        signed(nbf=int(time.time()) + 600),
        signed(exp=None),
        signed(sub=None),
        signed(sub="somebody"),
        signed(sub=f"{{{USER}}}"),
        signed(sub=USER.hex),
        signed(role=None),
        signed(role="king"),
        signed(role=["user"]),
        signed(algorithm="HS512", key=SECRET * 2),
        jwt.encode(claims(), "", algorithm="none"),
        jwt.encode(claims(), "", algorithm="none") + "x",
    ],
)
def test_a_wrong_token_is_refused_with_a_challenge(authenticator, token):
    with pytest.raises(Denied) as denied:
        authenticator.authenticate(f"Bearer {token}")
    assert denied.value.challenge == 'Bearer realm="harness-backend", error="invalid_token"'
    assert token not in str(denied.value)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "garbage"])
def test_no_token_is_asked_for_without_naming_an_error(authenticator, header):
    with pytest.raises(Denied) as denied:
        authenticator.authenticate(header)
    assert denied.value.challenge == 'Bearer realm="harness-backend"'


def test_a_token_that_had_not_expired_then_will_do_for_who_asks_for_that(authenticator):
    now = datetime.now(UTC)
    header = f"Bearer {signed(exp=int(time.time()) - 10)}"
    assert authenticator.authenticate(header, then=now - timedelta(seconds=20)).user_id == USER
    for then in (None, now - timedelta(seconds=5), now):
        with pytest.raises(Expired) as denied:
            authenticator.authenticate(header, then=then)
        assert denied.value.challenge == 'Bearer realm="harness-backend", error="invalid_token"'


@pytest.mark.parametrize("wrong", [{"key": "another secret of at least 32 bytes"}, {"sub": None}, {"exp": None}])
def test_it_is_no_better_than_any_other_in_anything_else(authenticator, wrong):
    with pytest.raises(Denied) as denied:
        authenticator.authenticate(f"Bearer {signed(**wrong)}", then=datetime.now(UTC) - timedelta(days=1))
    assert not isinstance(denied.value, Expired)
