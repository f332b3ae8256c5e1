"""The protocols of the providers, each behind the same face: what is asked and answered has OpenAI's form.

A dialect turns a request for a chat completion into its provider's, through the provider's published client library,
and the answer, its chunks and its failures into ours. Nothing is made up: a finish reason, a token count or an end that
the provider did not give is not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from harness.backend.providers import Provider

Json = dict[str, Any]


class Dialect(Protocol):
    """How the providers of one protocol are asked. Every method raises UpstreamError where the provider failed."""

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Json:
        """A whole answer, as a chat completion object."""

    async def models(self, provider: Provider) -> Json:
        """The models that the provider has, as OpenAI lists them."""

    def stream(self, provider: Provider, body: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[Json]]:
        """The chunks of a streamed answer as they come; closed with the block."""
