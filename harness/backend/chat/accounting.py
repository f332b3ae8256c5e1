"""Calling accounting, a service of its own, as whoever called us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import aiohttp

from harness.backend.clients import ProviderClients

from .errors import AccountingFailed
from .turn import Turn


class AccountingClient:
    """The four calls, each made once, with the client's own ``Authorization``. Raises AccountingFailed.

    ``url`` gives the service's address: it may be known only once it is served.
    """

    def __init__(self, clients: ProviderClients, url: Callable[[], str]) -> None:
        self._clients = clients
        self._url = url

    async def check(self, turn: Turn) -> bool:
        """Whether a stream may begin, as far as anybody can tell now."""
        body = {"userId": str(turn.user_id), "operation": "streaming", "modelId": turn.ask.model}
        answer = await self.call(turn, "check credits", "/credits/check", body)
        return answer.get("allowed") is True

    async def initialize(self, turn: Turn) -> None:
        """Hold the price of the estimate."""
        await self.call(turn, "initialize streaming session", "/streaming-sessions/initialize", self.hold_body(turn))

    def hold_body(self, turn: Turn) -> dict[str, Any]:
        """What is held for: always with the estimate, the client's or ours."""
        return {
            "sessionId": str(turn.session_id),
            "userId": str(turn.user_id),
            "modelId": turn.ask.model,
            "estimatedTokens": turn.estimated_tokens,
        }

    async def finalize(self, turn: Turn, tokens: int, given: int, *, estimated: bool) -> int:
        """Settle at what was used; gives what that cost."""
        body = {"actualTokens": tokens, "inputTokens": given, "estimated": estimated}
        answer = await self.call(turn, "finalize streaming session", self.path(turn.session_id, "finalize"), body)
        used = answer.get("creditsUsed")
        if not isinstance(used, int):
            raise AccountingFailed("Failed to finalize streaming session: the answer has no creditsUsed", 200)
        return used

    async def abort(self, turn: Turn, tokens: int) -> None:
        """Settle at what was delivered."""
        path = self.path(turn.session_id, "abort")
        await self.call(turn, "abort streaming session", path, {"tokensDelivered": tokens})

    def path(self, session_id: UUID, step: str) -> str:
        """The address of a session's step."""
        return f"/streaming-sessions/{session_id}/{step}"

    def session(self) -> aiohttp.ClientSession:
        """The session that calls are made in: the same one each time."""
        return self._clients.http()

    async def call(self, turn: Turn, what: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One call; the JSON object that it was answered with."""
        headers = {"Authorization": turn.authorization}
        try:
            async with self.session().post(self._url() + path, json=body, headers=headers) as response:
                if not response.ok:
                    why = f"Failed to {what}: Request failed with status code {response.status}"
                    raise AccountingFailed(why, response.status)
                answer = await response.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as failure:
            raise AccountingFailed(f"Failed to {what}: the accounting service cannot be reached") from failure
        except ValueError as wrong:
            raise AccountingFailed(f"Failed to {what}: the answer is not JSON", 200) from wrong
        return answer if isinstance(answer, dict) else {}
