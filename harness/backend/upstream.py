"""Calls to providers, whichever protocol they speak, and what can go wrong with them, in one vocabulary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from .clients import ProviderClients
from .dialects.openai import OpenAI, translated
from .failure import Kind, UpstreamError, kind_of_status
from .flights import Flight
from .providers import Provider, Speaks

if TYPE_CHECKING:
    from .dialects import Dialect
    from .google import GoogleTokens

__all__ = ["Kind", "Upstream", "UpstreamError", "choices_of", "kind_of_status", "limited", "part_of", "translated"]


def _openai(clients: ProviderClients, google: GoogleTokens) -> Dialect:
    del google
    return OpenAI(clients)


def _anthropic(clients: ProviderClients, google: GoogleTokens) -> Dialect:
    del google
    from .dialects.anthropic import Anthropic

    return Anthropic(clients)


def _bedrock(clients: ProviderClients, google: GoogleTokens) -> Dialect:
    del google
    from .dialects.bedrock import Bedrock

    return Bedrock(clients)


def _vertex(clients: ProviderClients, google: GoogleTokens) -> Dialect:
    from .dialects.vertex import Vertex

    return Vertex(clients, google)


DIALECTS: Mapping[Speaks, Callable[[ProviderClients, GoogleTokens], Dialect]] = {
    Speaks.OPENAI: _openai,
    Speaks.ANTHROPIC: _anthropic,
    Speaks.BEDROCK: _bedrock,
    Speaks.VERTEX: _vertex,
}
"""What makes the dialect of each protocol. Its client library is imported when a provider of it is first asked."""


class Upstream:
    """Chat completions, whole or streamed, asked and answered in OpenAI's form, of any provider."""

    def __init__(self, clients: ProviderClients, google: GoogleTokens) -> None:
        self._clients = clients
        self._google = google
        self._dialects: dict[Speaks, Dialect] = {}

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> dict[str, Any]:
        """A whole answer: a JSON object of whatever content. Raises UpstreamError."""
        return await self._dialect(provider).complete(provider, body)

    async def models(self, provider: Provider) -> dict[str, Any]:
        """The provider's list of its models, which costs nothing to ask for. Raises UpstreamError."""
        return await self._dialect(provider).models(provider)

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The chunks of a streamed answer as they come, up to its end; closed with the block.

        An iterator that ends without a finish reason in any chunk is of an answer that was cut short.
        Raises UpstreamError on entering, or from the iterator.
        """
        async with self._dialect(provider).stream(provider, body) as chunks:
            yield chunks

    def _dialect(self, provider: Provider) -> Dialect:
        """What speaks with this provider, the same one each time."""
        if provider.speaks not in self._dialects:
            self._dialects[provider.speaks] = DIALECTS[provider.speaks](self._clients, self._google)
        return self._dialects[provider.speaks]


@asynccontextmanager
async def limited(flight: Flight, limit_s: float) -> AsyncIterator[None]:
    """The time limit of a whole call, as a provider's time-out."""
    try:
        async with asyncio.timeout(limit_s) as limit:
            flight.begin(limit)
            yield
    except TimeoutError as late:
        raise UpstreamError(Kind.TIMEOUT, "the call took longer than it may") from late
    finally:
        flight.limit = None


def choices_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The choices of an answer or chunk; none where the field is absent. Raises UpstreamError."""
    choices = answer.get("choices")
    if choices is None:
        return []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise UpstreamError(Kind.INVALID, "the provider's choices are not a list of objects")
    return choices


def part_of(choice: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """The delta or message of a choice, its content a text or null. Raises UpstreamError."""
    theirs = choice.get(part)
    if not isinstance(theirs, dict) or not isinstance(theirs.get("content"), str | None):
        raise UpstreamError(Kind.INVALID, f"the provider's {part} is not an object with a text for content")
    return theirs
