"""Asking the provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.backend.bodies import storable
from harness.backend.providers import Provider
from harness.backend.upstream import Kind, Upstream, UpstreamError, choices_of, part_of

MAX_TOKENS = 1000
TEMPERATURE = 0.7


class Generator:
    """Makes one call for a run, once, and gives the words of its answer."""

    def __init__(self, upstream: Upstream, provider: Provider) -> None:
        self._upstream = upstream
        self._provider = provider

    async def generate(self, model: str, text: str) -> str:
        """What the model of that name (the provider's) says to a text. Raises UpstreamError."""
        answer = await self._upstream.complete(self._provider, self.body(model, text))
        return self.words(answer)

    def body(self, model: str, text: str) -> dict[str, Any]:
        """What the provider is asked."""
        return {"model": model, "messages": [{"role": "user", "content": text}], **self.parameters()}

    def parameters(self) -> dict[str, Any]:
        """What is the same for every run."""
        return {"max_tokens": MAX_TOKENS, "temperature": TEMPERATURE}

    def words(self, answer: Mapping[str, Any]) -> str:
        """The words of an answer. One without any is a failure: nothing can be delivered."""
        choices = choices_of(answer)
        if not choices:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no choices")
        content = part_of(choices[0], "message").get("content")
        if not isinstance(content, str) or not content:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no words")
        if not storable(content):
            raise UpstreamError(Kind.INVALID, "the provider's answer holds what cannot be stored")
        return content
