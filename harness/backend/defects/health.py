"""Defects in telling how the service is."""

from __future__ import annotations

from aiohttp import web

from harness.backend.accounts import Accounts
from harness.backend.agent.health import AgentHealth
from harness.backend.runs.health import Health
from harness.backend.store import Store

from .base import Defect, instead
from .callers import claimed
from .spending import spend


class RunsHealthStoreUnseen(Defect):
    """The connection was there when the service started."""

    id = "runs-health-store-unseen"
    summary = "the health check of runs says that the store is there when it is not"

    class _Believes(Health):
        async def store_up(self) -> bool:
            return True

    runs = instead(health=_Believes)


class AgentHealthStoreUnseen(Defect):
    """The connection was there when the service started."""

    id = "agent-health-store-unseen"
    summary = "the health check of the agent says that the store is there when it is not"

    class _Believes(AgentHealth):
        async def store_up(self) -> bool:
            return True

    agent = instead(health=_Believes)


async def _charge(store: Store, request: web.Request) -> None:
    """Take a credit of a caller who is known."""
    user_id = claimed(request)
    if user_id is not None:
        await spend(Accounts(store), user_id, 1)


class HealthCharges(Defect):
    """Every request is a call, and calls are paid for."""

    id = "health-charges"
    summary = "a user who asks how the service is pays a credit for it"

    class _Runs(Health):
        async def handle(self, request: web.Request) -> web.Response:
            await _charge(self._store, request)
            return await super().handle(request)

    class _Agent(AgentHealth):
        async def handle(self, request: web.Request) -> web.Response:
            await _charge(self._store, request)
            return await super().handle(request)

    runs = instead(health=_Runs)
    agent = instead(health=_Agent)
