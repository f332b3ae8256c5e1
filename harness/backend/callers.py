"""Whose request it is: a token's principal, if there is such a user."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from .accounts import Accounts, User
from .auth import Authenticator


async def find_caller(
    request: web.Request, authenticator: Authenticator, accounts: Accounts, *, then: datetime | None = None
) -> User:
    """The user whose token the request bears; ``then`` as in ``authenticate``. Raises Denied."""
    principal = authenticator.authenticate(request.headers.get("Authorization"), then=then)
    user = await accounts.find(principal.user_id)
    if user is None:
        raise authenticator.denied("The token is refused: there is no such user.", given=True)
    return user
