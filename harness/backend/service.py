"""What every service does for a caller who has to be known."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from aiohttp import web

from .accounts import Accounts, User
from .auth import Authenticator
from .bodies import ClientGone
from .callers import find_caller
from .flights import Flights
from .log import CallLog

Work = Callable[[web.Request, User], Awaitable[web.Response]]
"""What answers a known caller."""


class CallerService(ABC):
    """Answers known callers. Whoever calls is told, whatever happens; nothing unforeseen is."""

    def __init__(self, accounts: Accounts, authenticator: Authenticator, flights: Flights, log: CallLog) -> None:
        self.accounts = accounts
        self.authenticator = authenticator
        self.flights = flights
        self.log = log

    async def answered(self, request: web.Request, work: Work) -> web.Response:
        """The answer to a known caller, or the refusal. Raises CancelledError where the caller left."""
        user: User | None = None
        try:
            user = await self.caller(request)
            with self.flights.enter(user.id):
                return await work(request, user)
        except ClientGone as gone:
            raise asyncio.CancelledError from gone
        except Exception as error:  # noqa: BLE001 - the outermost boundary: the caller is told, the log has the rest
            return self.refused(request, user, error)

    async def caller(self, request: web.Request) -> User:
        """Who calls. Raises Denied."""
        return await find_caller(request, self.authenticator, self.accounts)

    @abstractmethod
    def refused(self, request: web.Request, user: User | None, error: Exception) -> web.Response:
        """The answer to a request that nothing came of; one that failed by our own fault is logged with its stack."""
