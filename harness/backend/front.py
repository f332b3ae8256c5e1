"""What goes around the routes of every system: the refusal of new requests at shut-down, and the router's errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .bodies import BODY_BYTES_MAX
from .flights import Flights

Wording = Callable[[web.HTTPException, dict[str, str]], web.Response]
"""Words an error of the HTTP server's as the system would, with these headers."""


@dataclass(frozen=True, slots=True)
class Spokesman:
    """Who words what goes wrong outside of any route."""

    word: Wording


SPOKESMAN = web.AppKey("spokesman", Spokesman)


class BaseFront(ABC):
    """A system as HTTP sees it. What the router refuses by itself reads as all other refusals of the system."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights

    def application(self) -> web.Application:
        """An application without routes, yet."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self.middleware()])
        app[SPOKESMAN] = Spokesman(self.unrouted)
        return app

    def middleware(self) -> Middleware:
        """Refuses new requests at shut-down, and words the router's errors."""

        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.begin(request)
            if self._flights.draining:
                refusal = self.stopping()
                if refusal is not None:
                    return refusal
            try:
                return _last_where_unreadable(request, await handler(request))
            except web.HTTPException as wrong:
                allow = {"Allow": wrong.headers["Allow"]} if "Allow" in wrong.headers else {}
                return self.unrouted(wrong, allow)

        return around

    def begin(self, request: web.Request) -> None:
        """What happens to a request before anything else: in most systems nothing."""
        del request

    @abstractmethod
    def stopping(self) -> web.Response | None:
        """What new requests are answered at shut-down; None where they are still served."""

    @abstractmethod
    def unrouted(self, wrong: web.HTTPException, headers: dict[str, str]) -> web.Response:
        """The answer to a request that no route takes, with these headers: RFC 9110 section 15.5.6 wants ``Allow``."""


def _last_where_unreadable(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """An answer says that it is the connection's last where what follows of the request cannot be read.

    RFC 9112 section 9.6: a client that is not told may have sent the next request into a connection that closes.
    """
    if request.content.exception() is not None and not response.prepared:
        response.force_close()
    return response
