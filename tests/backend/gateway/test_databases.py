"""The gateway on each kind of database: the same calls, the same ledger."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text

from harness.backend.store import Store

INTERNAL = {
    "error": {
        "message": "The gateway failed to handle the request.",
        "type": "server_error",
        "param": None,
        "code": "internal_error",
    }
}


@pytest.fixture
async def gateway(start, address):
    return await start(DATABASE_URL=address)


@pytest.fixture
def tenant(postgres):
    """The address of an empty PostgreSQL database."""
    return postgres.database()


async def test_calls_are_answered_and_charged(gateway, provider, parts, sse):
    user = await gateway.user()
    status, _, body = await gateway.chat(user)
    assert (status, body["choices"][0]["message"]["content"]) == (200, "Hello")
    provider.stream(*parts["healthy"])
    status, _, raw = await gateway.chat(user, stream=True)
    assert (status, sse(raw)[-1]) == (200, "[DONE]")
    assert [kind for kind, _ in await gateway.kinds(user)] == ["hold", "settle"] * 2
    found = await gateway.ledger(user)
    assert [(row["input_tokens"], row["output_tokens"], row["estimated"]) for row in found["usage"]] == [
        (9, 12, False)
    ] * 2
    assert found["balance"] == 1_000 - sum(row["credits"] for row in found["usage"])


async def test_failures_are_told_and_nothing_is_kept(gateway, provider, parts, sse):
    user = await gateway.user()
    provider.plain({"error": {"message": "no \0 \ud800"}}, status=400)
    assert (await gateway.chat(user))[0] == 400
    provider.plain({}, status=429)
    assert (await gateway.chat(user))[2]["error"]["code"] == "rate_limit_exceeded"
    provider.stream(parts["role"], then="reset")
    _, _, raw = await gateway.chat(user, stream=True)
    assert sse(raw)[-2]["error"]["code"] == "provider_stream_incomplete"
    assert [kind for kind, _ in await gateway.kinds(user)] == ["hold", "release"] * 3
    assert (await gateway.ledger(user))["balance"] == 1_000


async def test_what_no_database_keeps_is_refused_before_the_store(gateway):
    user = await gateway.user()
    for odd in (b"\\u0000", b"\\ud800"):
        body = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x' + odd + b'"}]}'
        status, _, told = await gateway.raw(user, body, compress=None)
        assert (status, told["error"]["type"]) == (400, "invalid_request_error")
    assert await gateway.kinds(user) == []
    for junk in ("junk", "session-1712-abc", "\0", "' OR 1=1", "0" * 36):
        assert set(await gateway.ask("/ledger", user=junk)) == {"error"}


async def test_of_calls_at_once_as_many_are_made_as_the_balance_covers(gateway):
    user = await gateway.user(credits=2)
    statuses = sorted(one[0] for one in await asyncio.gather(*(gateway.chat(user) for _ in range(8))))
    made = statuses.count(200)
    assert statuses == [200] * made + [402] * (8 - made)
    found = await gateway.ledger(user)
    assert 1 <= made <= 2
    assert found["balance"] == 2 - sum(row["credits"] for row in found["usage"]) >= 0
    assert len(found["usage"]) == made


async def test_a_lost_database_is_our_failure_in_the_documented_shape_until_it_is_back(start, postgres, tenant):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    assert (await backend.chat(user))[0] == 200
    postgres.cut(tenant)
    for _ in range(2):
        status, _, body = await backend.chat(user)
        assert (status, body) == (500, INTERNAL)
    postgres.mend(tenant)
    assert (await backend.chat(user))[0] == 200
    assert [kind for kind, _ in await backend.kinds(user)] == ["hold", "settle"] * 2


async def test_a_database_that_is_lost_during_a_stream_is_told_in_band_and_its_hold_stays(
    start, postgres, tenant, provider, parts, sse
):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    provider.stream(parts["role"], *parts["pieces"], then="gate")
    async with backend.open(user, stream=True) as response:
        await response.content.readline()
        postgres.cut(tenant)
        provider.gate.set()
        events = sse(b"data: {}\n\n" + (await response.read()).lstrip(b"\n"))
    assert (response.status, events[-2:]) == (200, [INTERNAL, "[DONE]"])
    postgres.mend(tenant)
    assert [kind for kind, _ in await backend.kinds(user)] == ["hold"]
    assert (await backend.resources())["open_holds"] == 1


async def test_a_client_that_leaves_while_the_database_is_asked_leaves_no_connection_behind(start, postgres, tenant):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    other = await Store.open(tenant)
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE usename = CURRENT_USER AND wait_event_type = 'Lock'")
    async with other.begin() as tx:
        await tx.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        calling = asyncio.ensure_future(backend.chat(user))
        while not (await tx.execute(waiting)).scalar_one():
            await asyncio.wait({calling}, timeout=0.01)
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling
        while (await tx.execute(waiting)).scalar_one():
            await asyncio.wait({asyncio.ensure_future(other.check())})
    assert (await backend.chat(user))[0] == 200
    await other.close()
    await backend.stop()
    assert postgres.connections(tenant) == 0


async def test_a_backend_that_drains_lets_its_calls_end_and_leaves_no_connection(
    start, postgres, tenant, provider, parts
):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    provider.stream(parts["role"], then="gate")
    async with backend.open(user, stream=True) as response:
        backend.stopping()
        provider.gate.set()
        assert (await response.read()).endswith(b"data: [DONE]\n\n")
    await backend.stop()
    assert postgres.connections(tenant) == 0
    again = await start(DATABASE_URL=tenant)
    assert [kind for kind, _ in await again.kinds(user)] == ["hold", "settle"]
