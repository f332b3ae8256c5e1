import time

import jwt
import pytest

from harness.core.errors import UnknownName
from harness.targets.tokens import BRIEF_S, KINDS, mint

SECRET = "a secret that is long enough for HS256"
USER = "9b2f3b3e-5c1d-4d0e-9d3a-0c5d4a7b1e2f"


def test_the_valid_token_is_valid():
    assert jwt.decode(mint("valid", USER, SECRET), SECRET, algorithms=["HS256"])["sub"] == USER


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"valid", "brief"}))
def test_every_other_kind_is_refused(kind):
    with pytest.raises(jwt.PyJWTError):
        jwt.decode(mint(kind, USER, SECRET), SECRET, algorithms=["HS256"])


def test_a_brief_token_is_valid_for_a_moment():
    before = time.time()
    ends = jwt.decode(mint("brief", USER, SECRET), SECRET, algorithms=["HS256"])["exp"]
    assert BRIEF_S <= ends - before <= BRIEF_S + 1.1


def test_an_unknown_kind_is_our_error():
    with pytest.raises(UnknownName):
        mint("expierd", USER, SECRET)
