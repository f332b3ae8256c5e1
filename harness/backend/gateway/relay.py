"""Passing a provider's stream on, event by event, as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from harness.backend.upstream import Kind, UpstreamError, choices_of

from .call import Call
from .wire import EventStream, Wire, characters_of

Chunk = dict[str, Any]


class Relay:
    """Reads chunks, keeps what billing needs, and passes on what clients need. Nothing is collected or held back."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def first(self, call: Call, chunks: AsyncIterator[Chunk]) -> Chunk:
        """The first chunk that has something for the client: only then does the header section go out.

        Raises UpstreamError where the stream ends before.
        """
        async for chunk in chunks:
            self.note(call, chunk)
            if choices_of(chunk):
                return chunk
        raise UpstreamError(Kind.INVALID, "the provider's stream has no choices")

    async def run(self, call: Call, first: Chunk, chunks: AsyncIterator[Chunk], out: EventStream) -> None:
        """Pass everything on until the provider's stream ends. Raises UpstreamError and ClientGone."""
        await self.pass_on(call, first, out)
        async for chunk in chunks:
            self.note(call, chunk)
            if choices_of(chunk):
                await self.pass_on(call, chunk, out)

    async def pass_on(self, call: Call, chunk: Chunk, out: EventStream) -> None:
        """One chunk with choices; what the client was given is counted once it was written."""
        piece = self._wire.chunk(call, chunk)
        await out.send(piece)
        call.chunks += 1
        call.characters += characters_of(piece["choices"], "delta")
        call.finished = call.finished or any(choice.get("finish_reason") for choice in choices_of(chunk))

    def note(self, call: Call, chunk: Mapping[str, Any]) -> None:
        """Keep the usage, wherever the provider puts it; the last one counts."""
        private = chunk.get("x_groq")
        for holder in (private if isinstance(private, dict) else {}, chunk):
            if isinstance(holder.get("usage"), dict):
                call.usage = holder["usage"]

    def ended(self, call: Call) -> None:
        """The provider's stream is at its end: raise UpstreamError where the answer is not."""
        if not call.finished:
            raise UpstreamError(Kind.INCOMPLETE, "the provider's stream ended without a finish reason")
