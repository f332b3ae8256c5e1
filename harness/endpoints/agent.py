"""The agent's client: what an application's developer would write against system 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from harness.systems import agent

from .gateway import GatewayClient
from .http import Answer


class AgentClient(GatewayClient):
    """Typed calls of the agent's routes; a chat and the list of models are the gateway's."""

    async def create(self, body: Mapping[str, Any] | None = None, *, tie: str | None = None) -> Answer:
        """POST a session, ``{"user_id"?}``."""
        return await self.call(agent.CREATE, json=dict(body or {}), tie=tie)

    async def session(self, session_id: str, *, tie: str | None = None) -> Answer:
        """GET a session."""
        return await self.call(agent.SESSION, tie=tie, path=_path(session_id))

    async def messages(self, session_id: str, *, tie: str | None = None) -> Answer:
        """GET what was said in a session."""
        return await self.call(agent.MESSAGES, tie=tie, path=_path(session_id))

    async def health(self) -> Answer:
        """GET the state of the service and of what it needs."""
        return await self.call(agent.HEALTH)


def _path(session_id: str) -> Mapping[str, str]:
    """The id as one segment of the address, whatever is in it."""
    return {"session_id": quote(session_id, safe="")}
