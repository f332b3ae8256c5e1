"""The gateway on each kind of database: the same calls, the same ledger."""

import asyncio
from contextlib import asynccontextmanager, suppress

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


@asynccontextmanager
async def locked(address):
    """Nobody else reads or writes users meanwhile. Gives the transaction that has the lock."""
    store = await Store.open(address)
    async with store.begin() as tx:
        await tx.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        yield tx
    await store.close()


async def until_waiting(tx, count):
    """Until that many of the database's connections wait for a lock."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE usename = CURRENT_USER AND wait_event_type = 'Lock'")
    async with asyncio.timeout(20):
        while (await tx.execute(query)).scalar_one() != count:
            await tx.execute(text("SELECT pg_stat_clear_snapshot()"))


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
    async with locked(tenant) as tx:
        calling = asyncio.ensure_future(backend.chat(user))
        await until_waiting(tx, 1)
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling
        await until_waiting(tx, 0)
    assert (await backend.chat(user))[0] == 200
    await backend.stop()
    assert postgres.connections(tenant) == 0


async def test_connections_that_wait_for_use_are_not_counted_as_held(start, postgres, tenant):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    first = await backend.resources()
    async with locked(tenant) as tx:
        calls = [asyncio.ensure_future(backend.chat(user)) for _ in range(3)]
        await until_waiting(tx, 3)
    assert [status for status, _, _ in await asyncio.gather(*calls)] == [200] * 3
    last = await backend.resources()
    assert postgres.connections(tenant) >= 3
    assert last["fds"] - last["sockets"] == first["fds"] - first["sockets"]


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
