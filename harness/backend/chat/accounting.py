"""Calling accounting, a service of its own, as whoever called us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from harness.backend.bodies import BadBody, decode_json
from harness.backend.clients import ProviderClients

from .errors import AccountingFailed
from .turn import Turn


@dataclass(frozen=True, slots=True)
class Credit:
    """What accounting says before a stream: whether it may begin, and the balance, None where it does not say."""

    allowed: bool
    balance: int | None


class AccountingClient:
    """The four calls, each made once, with the client's own ``Authorization``. Raises AccountingFailed.

    Only the answer of ``check`` has a body that is needed. What the others answer counts by its status: a hold that was
    placed, or ended, is so in whatever words. ``url`` gives the service's address: it may be known only once it is
    served.
    """

    def __init__(self, clients: ProviderClients, url: Callable[[], str]) -> None:
        self._clients = clients
        self._url = url

    async def check(self, turn: Turn) -> Credit:
        """Whether a stream may begin, as far as anybody can tell now."""
        what, body = "check credits", {"userId": str(turn.user_id), "operation": "streaming", "modelId": turn.ask.model}
        try:
            answer = _fields(await self.call(turn, what, "/credits/check", body))
        except BadBody as wrong:
            raise AccountingFailed(f"Failed to {what}: the answer is not JSON", 200) from wrong
        return Credit(answer.get("allowed") is True, _credits(answer.get("balance")))

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

    async def finalize(self, turn: Turn, tokens: int) -> int | None:
        """Settle at what was used; gives what that cost, None where the answer does not say."""
        path = self.path(turn.session_id, "finalize")
        return self.cost(await self.call(turn, "finalize streaming session", path, {"actualTokens": tokens}))

    async def abort(self, turn: Turn, tokens: int) -> int | None:
        """Settle at what was delivered; gives what that cost, None where the answer does not say."""
        path = self.path(turn.session_id, "abort")
        return self.cost(await self.call(turn, "abort streaming session", path, {"tokensDelivered": tokens}))

    def cost(self, raw: bytes) -> int | None:
        """The ``creditsUsed`` of an answer that may have one, and may have no body at all."""
        try:
            return _credits(_fields(raw).get("creditsUsed"))
        except BadBody:
            return None

    def path(self, session_id: UUID, step: str) -> str:
        """The address of a session's step."""
        return f"/streaming-sessions/{session_id}/{step}"

    def session(self) -> aiohttp.ClientSession:
        """The session that calls are made in: the same one each time."""
        return self._clients.http()

    async def call(self, turn: Turn, what: str, path: str, body: Mapping[str, Any]) -> bytes:
        """One call; the body of the answer that it was done."""
        headers = {"Authorization": turn.authorization}
        try:
            async with self.session().post(self._url() + path, json=body, headers=headers) as response:
                raw = await response.read()
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as failure:
            raise AccountingFailed(f"Failed to {what}: the accounting service cannot be reached") from failure
        if not 200 <= response.status < 300:
            why = f"Failed to {what}: Request failed with status code {response.status}"
            raise AccountingFailed(why, response.status)
        return raw


def _fields(raw: bytes) -> dict[str, Any]:
    """The fields of a JSON object; none where it is another value. Raises BadBody."""
    found = decode_json(raw)
    return found if isinstance(found, dict) else {}


def _credits(value: object) -> int | None:
    """An amount of credits, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
