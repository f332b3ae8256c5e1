"""What goes out to those who read a stream: named events with JSON in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from harness.backend.bodies import ClientGone

from .errors import ChatError
from .turn import Turn


class ChatWire:
    """Words the events: ``delta`` ..., then one of ``done`` and ``error``."""

    def delta(self, text: str) -> bytes:
        """Some of the words."""
        return self.event("delta", {"text": text})

    def done(self, turn: Turn) -> bytes:
        """The end of a stream that went well."""
        tokens = turn.tokens
        usage = {"inputTokens": tokens.input, "outputTokens": tokens.output} if tokens else {}
        return self.event("done", {"usage": usage, "creditsUsed": turn.credits})

    def error(self, told: ChatError) -> bytes:
        """The end of one that did not."""
        return self.event("error", told.event())

    def event(self, name: str, data: Mapping[str, Any]) -> bytes:
        """One event."""
        return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()

    def headers(self) -> dict[str, str]:
        """What a stream says of itself."""
        return {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}


class Outlet:
    """A stream to one reader: its header section goes out with the first event, or when ``open`` is called."""

    def __init__(self, request: web.Request, headers: Mapping[str, str], limit_s: float) -> None:
        self.request = request
        self.response = web.StreamResponse(headers=dict(headers))
        self._limit_s = limit_s

    @property
    def opened(self) -> bool:
        """Whether the header section has gone out."""
        return self.response.prepared

    async def open(self) -> None:
        """Send the header section. Raises ClientGone."""
        try:
            await self.response.prepare(self.request)
        except ConnectionError as gone:
            raise ClientGone("the client closed the connection") from gone

    async def send(self, event: bytes) -> None:
        """One event. Raises ClientGone, where the client does not read within the limit too."""
        if not self.opened:
            await self.open()
        try:
            async with asyncio.timeout(self._limit_s):
                await self.response.write(event)
        except ConnectionError as gone:
            raise ClientGone("the client closed the connection") from gone
        except TimeoutError:
            self.abort()
            raise ClientGone("the client does not read") from None

    def abort(self) -> None:
        """Cut the connection: what is buffered for a client that does not read cannot be taken back."""
        if self.request.transport is not None:
            self.request.transport.abort()
