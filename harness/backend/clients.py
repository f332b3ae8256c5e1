"""Clients of the providers: the providers' own published libraries, one HTTP session for each protocol."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI

from .aws import bedrock_client
from .providers import Provider
from .settings import Settings

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

ANSWERED = "answered"
"""Key in a request's ``extensions``, set once the head of its response was there."""


_NOTED: ContextVar[list[Any] | None] = ContextVar("noted", default=None)


@contextmanager
def responses_noted(noted: list[Any]) -> Iterator[None]:
    """The responses whose head comes meanwhile are put there: for a library that does not let its caller close them."""
    token = _NOTED.set(noted)
    try:
        yield
    finally:
        _NOTED.reset(token)


@cache
def trusted() -> ssl.SSLContext:
    """What providers' certificates are checked by: read once for all sessions of a process, as that takes a while."""
    return httpx2.create_ssl_context()


class ProviderClients:
    """Gives the client of a provider. Retries are off: a system retries where its page says so, not the library."""

    max_retries = 0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = self._new_session()
        self._clients: dict[str, AsyncOpenAI] = {}
        self._anthropic: dict[str, AsyncAnthropic] = {}
        self.ending = AsyncExitStack()
        self._making = asyncio.Lock()
        self._bedrock: Any = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def settings(self) -> Settings:
        """What the clients were made by: their time limits are of use to whoever reads with them."""
        return self._settings

    @property
    def session(self) -> openai.DefaultAsyncHttpxClient:
        """The HTTP session of all libraries that can be given one."""
        return self._session

    def client(self, provider: Provider) -> AsyncOpenAI:
        """The client of this provider, the same one each time."""
        if provider.name not in self._clients:
            self._clients[provider.name] = self._new_client(provider, self._session)
        return self._clients[provider.name]

    def anthropic(self, provider: Provider) -> AsyncAnthropic:
        """The client of a provider that speaks as Anthropic does, the same one each time."""
        if provider.name not in self._anthropic:
            self._anthropic[provider.name] = self._new_anthropic(provider, self._session)
        return self._anthropic[provider.name]

    async def bedrock(self) -> Any:
        """The client of Amazon Bedrock's runtime (aiobotocore, which has no types), the same one each time."""
        async with self._making:
            if self._bedrock is None:
                self._bedrock = await self.ending.enter_async_context(self._new_bedrock())
        return self._bedrock

    def http(self) -> aiohttp.ClientSession:
        """The session for services of our own that are called over HTTP, the same one each time."""
        if self._http is None:
            self._http = self._new_http()
        return self._http

    def open_sessions(self) -> int:
        """HTTP sessions that were opened and not closed."""
        ours = 0 if self._http is None or self._http.closed else 1
        return (0 if self._session.is_closed else 1) + (0 if self._bedrock is None else 1) + ours

    async def close(self) -> None:
        """Close the sessions and with them every connection to a provider."""
        await self._session.aclose()
        self._bedrock = None
        await self.ending.aclose()
        if self._http is not None:
            await self._http.close()

    def _new_bedrock(self) -> AbstractAsyncContextManager[Any]:
        return bedrock_client(self._settings, max_retries=self.max_retries)

    def _new_http(self) -> aiohttp.ClientSession:
        """A session; a redirect or a cookie of one service is nothing for another."""
        limits = aiohttp.ClientTimeout(
            total=self._settings.call_s, connect=self._settings.connect_s, sock_read=self._settings.first_byte_s
        )
        return aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar())

    def _new_client(self, provider: Provider, session: openai.DefaultAsyncHttpxClient) -> AsyncOpenAI:
        client = AsyncOpenAI(
            api_key=provider.api_key,
            base_url=provider.base_url,
            max_retries=self.max_retries,
            timeout=self.limits(),
            http_client=session,
        )
        # The library takes these two from the environment; they are not for every provider to see.
        client.organization = client.project = None
        return client

    def _new_anthropic(self, provider: Provider, session: openai.DefaultAsyncHttpxClient) -> AsyncAnthropic:
        """Made late: who never asks this provider never imports its library."""
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(
            api_key=provider.api_key,
            base_url=provider.base_url,
            max_retries=self.max_retries,
            timeout=self.limits(),
            http_client=session,
            open_telemetry=False,
        )

    def limits(self) -> openai.Timeout:
        """Limits up to the head of the response; ``_head_arrived`` sets the one for what follows."""
        settings = self._settings
        return openai.Timeout(
            connect=settings.connect_s,
            read=settings.first_byte_s,
            write=settings.first_byte_s,
            pool=settings.connect_s,
        )

    def _new_session(self) -> openai.DefaultAsyncHttpxClient:
        return openai.DefaultAsyncHttpxClient(
            timeout=self.limits(),
            verify=trusted(),
            follow_redirects=False,
            event_hooks={"request": [self._asked], "response": [self._head_arrived]},
        )

    async def _asked(self, request: Any) -> None:
        """A library that sets no limits gets ours."""
        if not any(request.extensions.get("timeout", {}).values()):
            request.extensions["timeout"] = self.limits().as_dict()

    async def _head_arrived(self, response: Any) -> None:
        """From here on the limit is that between segments. The body of an error is read here, as a whole."""
        extensions = response.request.extensions
        extensions[ANSWERED] = True
        noted = _NOTED.get()
        if noted is not None:
            noted.append(response)
        extensions["timeout"] = {**extensions["timeout"], "read": self._settings.segment_s}
        if not response.is_success:
            await response.aread()
