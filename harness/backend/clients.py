"""Clients of the providers: the providers' own published library, one HTTP session for all of them."""

from __future__ import annotations

from typing import Any

import openai
from openai import AsyncOpenAI

from .providers import Provider
from .settings import Settings

ANSWERED = "answered"
"""Key in a request's ``extensions``, set once the head of its response was there."""


class ProviderClients:
    """Gives the client of a provider. Retries are off: a system retries where its page says so, not the library."""

    max_retries = 0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = self._new_session()
        self._clients: dict[str, AsyncOpenAI] = {}

    def client(self, provider: Provider) -> AsyncOpenAI:
        """The client of this provider, the same one each time."""
        if provider.name not in self._clients:
            self._clients[provider.name] = self._new_client(provider, self._session)
        return self._clients[provider.name]

    def open_sessions(self) -> int:
        """HTTP sessions that were opened and not closed."""
        return 0 if self._session.is_closed else 1

    async def close(self) -> None:
        """Close the session and with it every connection to a provider."""
        await self._session.aclose()

    def _new_client(self, provider: Provider, session: openai.DefaultAsyncHttpxClient) -> AsyncOpenAI:
        client = AsyncOpenAI(
            api_key=provider.api_key,
            base_url=provider.base_url,
            max_retries=self.max_retries,
            timeout=self._limits(),
            http_client=session,
        )
        # The library takes these two from the environment; they are not for every provider to see.
        client.organization = client.project = None
        return client

    def _limits(self) -> openai.Timeout:
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
            timeout=self._limits(), follow_redirects=False, event_hooks={"response": [self._head_arrived]}
        )

    async def _head_arrived(self, response: Any) -> None:
        """From here on the limit is that between segments. The body of an error is read here, as a whole."""
        extensions = response.request.extensions
        extensions[ANSWERED] = True
        extensions["timeout"] = {**extensions["timeout"], "read": self._settings.segment_s}
        if not response.is_success:
            await response.aread()
