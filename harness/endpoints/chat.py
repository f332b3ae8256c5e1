"""The client of streamed chat: what an application's developer would write against system 2."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

from harness.systems import chat

from .http import Answer, Caller, Live


class ChatClient(Caller):
    """Typed calls of the routes of chat."""

    async def models(self) -> Answer:
        """GET the list of models."""
        return await self.call(chat.MODELS)

    async def create(self, *, tie: str | None = None) -> Answer:
        """POST a new session."""
        return await self.call(chat.CREATE, json={}, tie=tie)

    async def stream(self, session_id: str, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST a message, ``{"message" or "messages", "modelId", ...}``, and read all of the stream."""
        return await self.call(chat.STREAM, json=body, tie=tie, path=_path(session_id))

    def open_stream(
        self, session_id: str, body: Mapping[str, Any], *, tie: str | None = None
    ) -> AbstractAsyncContextManager[Live]:
        """POST a message and give the stream as it comes."""
        return self.open(chat.STREAM, json=body, tie=tie, path=_path(session_id))

    async def raw_stream(
        self, session_id: str, raw: bytes, *, tie: str | None = None, content_type: str = "application/json"
    ) -> Answer:
        """POST these bytes in the place of a message, right or wrong."""
        return await self.call(
            chat.STREAM, raw=raw, tie=tie, headers={"Content-Type": content_type}, path=_path(session_id)
        )

    async def observe(self, session_id: str, *, tie: str | None = None) -> Answer:
        """GET the events of the session's stream, all of them."""
        return await self.call(chat.OBSERVE, tie=tie, path=_path(session_id))

    def open_observation(self, session_id: str) -> AbstractAsyncContextManager[Live]:
        """GET the events of the session's stream as they come."""
        return self.open(chat.OBSERVE, path=_path(session_id))

    async def delete(self, session_id: str, *, tie: str | None = None) -> Answer:
        """DELETE the session."""
        return await self.call(chat.DELETE, tie=tie, path=_path(session_id))


def _path(session_id: str) -> Mapping[str, str]:
    """The id as one segment of the address, whatever is in it."""
    return {"session_id": quote(session_id, safe="")}
