"""Where an application is listened to. What the HTTP server refuses by itself reads as the system's own refusals do."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from .front import SPOKESMAN, Spokesman

BACKLOG = 128


class SpokenFor(web.RequestHandler):
    """A connection. aiohttp answers in plain text what never comes to a route, or fails outside of one.

    A request line that is none, a header field that is too long, an expectation that nobody meets: each is worded by
    the application's spokesman instead.
    """

    __slots__ = ("_spokesman",)

    def __init__(
        self, server: web.Server, spokesman: Spokesman, *, loop: asyncio.AbstractEventLoop, logger: logging.Logger
    ) -> None:
        super().__init__(server, loop=loop, logger=logger, access_log=logger)  # which has no room for accesses
        self._spokesman = spokesman

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a failure. Raises ConnectionError where one has begun."""
        super().handle_error(request, status, exc, message)  # it is logged there
        answer = self._spokesman.word(_ERRORS.get(status, web.HTTPInternalServerError)(), {})
        answer.force_close()
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; one of aiohttp's own in other words."""
        if isinstance(resp, web.HTTPException):
            resp = self._spokesman.word(resp, {})
        return await super().finish_response(request, resp, start_time)


_ERRORS: dict[int, type[web.HTTPException]] = {400: web.HTTPBadRequest, 504: web.HTTPGatewayTimeout}


class Site(web.BaseSite):
    """An address at which an application's runner is listened to, port 0 for any that is free."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, logger: logging.Logger) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._app = runner.app
        self._host = host
        self._port = port
        self._logger = logger

    @property
    def name(self) -> str:
        """The address that was asked for."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            self.connection, self._host, self._port, backlog=self._backlog, reuse_address=True
        )

    def connection(self) -> asyncio.Protocol:
        """What serves a new connection."""
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner is not set up")
        if SPOKESMAN not in self._app:
            return server()
        loop = asyncio.get_running_loop()
        return SpokenFor(server, self._app[SPOKESMAN], loop=loop, logger=self._logger)
