"""The gateway's client: what an application's developer would write against system 4."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from harness.systems import gateway

from .http import Answer, Caller, Live


class GatewayClient(Caller):
    """Typed calls of the gateway's routes."""

    async def chat(self, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST a chat completion, plain or streamed as the body says, and read all of the answer."""
        return await self.call(gateway.CHAT, json=body, tie=tie)

    def open_chat(self, body: Mapping[str, Any], *, tie: str | None = None) -> AbstractAsyncContextManager[Live]:
        """POST a chat completion and give the response as it comes."""
        return self.open(gateway.CHAT, json=body, tie=tie)

    async def raw_chat(self, raw: bytes, *, tie: str | None = None, content_type: str = "application/json") -> Answer:
        """POST these bytes to the chat route, right or wrong."""
        return await self.call(gateway.CHAT, raw=raw, tie=tie, headers={"Content-Type": content_type})

    async def models(self) -> Answer:
        """GET the list of models."""
        return await self.call(gateway.MODELS)
