"""Streams of Amazon Bedrock's, read through its published client, and what can go wrong with them.

The client library reads half a frame at the end as if nothing were missing, decodes whatever the label says, and
notices no missing end: whether an answer is whole is ours to see.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from harness.backend.clients import ProviderClients
from harness.backend.dialects.bedrock import translated
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, UpstreamError

from .families import Family, Piece

EVENT_STREAM = "application/vnd.amazon.eventstream"


class Bedrock:
    """Invokes models with a streamed answer. Raises UpstreamError for whatever goes wrong."""

    def __init__(self, clients: ProviderClients, settings: Settings) -> None:
        self._clients = clients
        self._settings = settings

    @asynccontextmanager
    async def stream(self, model: str, body: Mapping[str, Any], family: Family) -> AsyncIterator[AsyncIterator[Piece]]:
        """The pieces of an answer as they come, up to its last; the connection is closed with the block."""
        answer = await self._open(model, body)
        stream = answer["body"]
        try:
            self._require_event_stream(answer)
            async with aclosing(aiter(stream)) as frames, aclosing(self._pieces(frames, family)) as pieces:
                yield pieces
        finally:
            stream.close()

    async def _open(self, model: str, body: Mapping[str, Any]) -> Any:
        client = await self._clients.bedrock()
        with translated(streaming=True):
            async with asyncio.timeout(self._settings.first_byte_s):
                return await client.invoke_model_with_response_stream(
                    modelId=model, body=json.dumps(body), contentType="application/json"
                )

    def _require_event_stream(self, answer: Any) -> None:
        label = answer["ResponseMetadata"]["HTTPHeaders"].get("content-type", "")
        if label.partition(";")[0].strip().lower() != EVENT_STREAM:
            raise UpstreamError(Kind.INVALID, f"the provider's stream is not labelled {EVENT_STREAM}")

    async def _pieces(self, frames: AsyncIterator[Any], family: Family) -> AsyncGenerator[Piece, None]:
        begun = finished = False
        try:
            while (frame := await self._next(frames)) is not None:
                begun = True
                piece = family.piece(self._chunk(frame))
                finished = finished or piece.stopped or piece.last
                yield piece
                if piece.last:
                    return
        except UpstreamError as failure:
            if not finished or failure.said:
                raise  # one that breaks off after the model's end has said all of it
        if not begun:
            raise UpstreamError(Kind.INVALID, "the provider's stream is empty")
        if not finished:
            raise UpstreamError(Kind.INCOMPLETE, "the provider's stream ended without an end")

    async def _next(self, frames: AsyncIterator[Any]) -> Any:
        """The next frame, or None at the end; waited for no longer than the limit between segments."""
        with translated(streaming=True):
            async with asyncio.timeout(self._settings.segment_s):
                return await anext(frames, None)

    def _chunk(self, frame: Any) -> Mapping[str, Any]:
        data = frame.get("chunk", {}).get("bytes") if isinstance(frame, dict) else None
        try:
            chunk = json.loads(data or b"")
        except (ValueError, RecursionError):
            raise UpstreamError(Kind.INVALID, "a chunk of the provider's stream is not JSON") from None
        if not isinstance(chunk, dict):
            raise UpstreamError(Kind.INVALID, "a chunk of the provider's stream is not a JSON object")
        return chunk
