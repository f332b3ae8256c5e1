"""Passing a provider's words on, and keeping them for the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.backend.gateway.call import Call
from harness.backend.gateway.relay import Chunk, Relay
from harness.backend.gateway.wire import EventStream
from harness.backend.upstream import choices_of

from .call import agent_call


class AgentRelay(Relay):
    """The gateway's relay. What was passed on is kept until the chat is over."""

    async def pass_on(self, call: Call, chunk: Chunk, out: EventStream) -> None:
        """One chunk."""
        await super().pass_on(call, chunk, out)
        self.keep(call, chunk, "delta")

    def note(self, call: Call, chunk: Mapping[str, Any]) -> None:
        """Keep the usage, and the words of an answer in one piece."""
        super().note(call, chunk)
        self.keep(call, chunk, "message")

    def keep(self, call: Call, chunk: Mapping[str, Any], part: str) -> None:
        """Keep the words in the deltas or messages of a chunk."""
        for choice in choices_of(chunk):
            theirs = choice.get(part)
            content = theirs.get("content") if isinstance(theirs, dict) else None
            if isinstance(content, str):
                agent_call(call).words.append(content)
