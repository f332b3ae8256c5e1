"""A recording proxy: any client talks to a provider through it, and what crosses the wire becomes a recording.

What happens on the provider's side happens to the client: segments are passed on as they come, a connection that
breaks is reset, and a client that leaves ends the provider's call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from harness.cassettes.recorder import Recorder
from harness.cassettes.tap import Call, open_session
from harness.core.recording import Side
from harness.providers.classify import classify

from .listener import HOST, Listener, reset

CONNECT_LIMIT_S = 30.0
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""Fields that speak of one connection only: RFC 9110, section 7.6.1."""
_OURS = _HOP_BY_HOP | {"host", "content-length", "accept-encoding", "expect"}
"""What the session says for itself: bodies are asked for as they are, so that they can be read and judged."""


class Proxy:
    """Listens on 127.0.0.1 and passes everything on to ``target_url``. Use on one event loop.

    ``told`` gets a line for each call.
    """

    def __init__(
        self, target_url: str, recorder: Recorder, *, port: int = 0, told: Callable[[str], None] = lambda _line: None
    ) -> None:
        self._target_url = target_url.rstrip("/")
        self._recorder = recorder
        self._told = told
        self._listener = Listener(self._answer, port)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Listen. Raises PortInUse."""
        await self._listener.open()
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S)
        self._session = open_session(
            self._recorder,
            side=Side.PROVIDER,
            provider=self._recorder.header.provider,
            timeout=limits,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """End what is under way, on both sides, and give the port back."""
        await self._listener.close()
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """What a client takes for the provider's address."""
        return f"http://{HOST}:{self._listener.port}"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._session is None:
            return await _broken(request)
        body = await request.read()
        url = self._target_url + request.raw_path
        headers = _passed_on(request.headers, _OURS)
        found = classify(request.method, url, tuple(headers.items()), body[:4096])
        call = Call(found.endpoint if found.dialect else f"{request.method} {request.path}")
        try:
            async with self._session.request(
                request.method, url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=call
            ) as response:
                self._told(f"{request.method} {request.path}: {response.status}")
                return await _relayed(request, response)
        except (aiohttp.ClientError, TimeoutError) as failure:
            self._told(f"{request.method} {request.path}: {type(failure).__name__}: {failure}")
            return await _broken(request)


async def _relayed(request: web.BaseRequest, response: aiohttp.ClientResponse) -> web.StreamResponse:
    """The answer as it comes. Errors of the provider's side are raised, those of the client's side end the call."""
    answer = web.StreamResponse(
        status=response.status, reason=response.reason, headers=_passed_on(response.headers, _HOP_BY_HOP)
    )
    await answer.prepare(request)
    async for data in response.content.iter_any():
        await answer.write(data)
    await answer.write_eof()
    return answer


async def _broken(request: web.BaseRequest) -> web.StreamResponse:
    """The provider's connection broke: so does the client's."""
    if request.transport is not None:
        reset(request.transport)
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


def _passed_on(headers: CIMultiDictProxy[str], without: frozenset[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get(hdrs.CONNECTION, "").split(",")}
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in without | named)
