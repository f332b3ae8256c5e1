"""The health check: who is up, who is down, and that nothing else is told."""

import asyncio
from datetime import datetime

import pytest

from harness.backend.clock import Clock
from harness.backend.runs.health import Health
from harness.backend.store import Store


async def test_everything_is_there(backend, user, provider, key):
    status, body = await backend.health()
    assert status == 200
    stamp = datetime.fromisoformat(body.pop("timestamp"))
    assert stamp.utcoffset().total_seconds() == 0
    assert body == {"status": "ok", "supabase": "connected", "openai": "connected"}
    assert provider.models_seen == 1
    assert not provider.seen
    assert await backend.kinds(user) == ["grant"]


@pytest.mark.parametrize(
    ("status", "up"), [(401, False), (403, False), (500, False), (503, False), (404, True), (429, True)]
)
async def test_the_provider_is_there_unless_it_fails_or_refuses_the_key(backend, provider, status, up):
    provider.models_status = status
    code, body = await backend.health()
    assert (code, body["status"], body["openai"], body["supabase"]) == (
        (200, "ok", "connected", "connected") if up else (503, "degraded", "disconnected", "connected")
    )


async def test_a_provider_that_cannot_be_reached_is_down_and_may_come_back_as_such(backend, provider):
    assert (await backend.health())[0] == 200
    await provider.stop()
    code, body = await backend.health()
    assert (code, body["openai"]) == (503, "disconnected")


async def test_a_provider_that_does_not_answer_is_down(start, provider):
    provider.gate = asyncio.Event()
    backend = await start(TIMEOUT_HEALTH_S="0.05")
    code, body = await backend.health()
    assert (code, body["openai"]) == (503, "disconnected")
    provider.gate.set()


async def test_a_store_that_does_not_answer_is_down(backend, monkeypatch):
    async def broken(self):
        raise ConnectionRefusedError("no server")

    monkeypatch.setattr(Store, "check", broken)
    code, body = await backend.health()
    assert (code, body["status"], body["supabase"], body["openai"]) == (503, "degraded", "disconnected", "connected")


async def test_the_provider_is_not_asked_again_while_the_answer_is_fresh(start, provider):
    backend = await start(HEALTH_FRESH_S="3600")
    answers = [await backend.health() for _ in range(3)]
    assert [code for code, _ in answers] == [200, 200, 200]
    assert provider.models_seen == 1


class Held:
    """An upstream that answers when it is let."""

    def __init__(self):
        self.asked = 0
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()

    async def models(self, _provider):
        self.asked += 1
        self.reached.set()
        await self.gate.wait()
        return {}


async def test_many_who_ask_at_once_share_one_question():
    upstream = Held()
    health = Health(None, upstream, None, Clock(), limit_s=10, fresh_s=1e-9)
    asking = [asyncio.create_task(health.provider_up()) for _ in range(10)]
    await upstream.reached.wait()  # all ten have begun by then: they were started in one turn of the loop
    upstream.gate.set()
    assert await asyncio.gather(*asking) == [True] * 10
    assert upstream.asked == 1


async def test_who_asks_and_leaves_keeps_nobody_waiting():
    upstream = Held()
    health = Health(None, upstream, None, Clock(), limit_s=10, fresh_s=1e-9)
    first, second = asyncio.create_task(health.provider_up()), asyncio.create_task(health.provider_up())
    await upstream.reached.wait()
    first.cancel()
    upstream.gate.set()
    assert await second
    assert first.cancelled()
