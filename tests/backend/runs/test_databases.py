"""Runs on each kind of database: the same answers, the same ledger."""

import asyncio

import pytest

INTERNAL = {"error": "The run could not be completed.", "code": "INTERNAL_ERROR"}
NOT_FOUND = {"error": "Project not found"}
JUNK = ("junk", "session-1712-abc", "%00", "%ED%A0%80", "'%20OR%201=1", "0" * 36, "urn:uuid:{0}", "{0}0")


@pytest.fixture
async def backend(start, address):
    """A backend with nothing wrong, on each kind of database."""
    return await start(DATABASE_URL=address)


@pytest.fixture
def tenant(postgres):
    """The address of an empty PostgreSQL database."""
    return postgres.database()


async def test_a_run_is_answered_charged_and_kept(backend, user):
    status, body = await backend.run(user, {"input": "Ünï\U0001f600", "model": "gpt-4o"})
    assert (status, body["run"]["input"], body["credits_remaining"]) == (201, "Ünï\U0001f600", 9)
    assert await backend.kinds(user) == ["grant", "hold", "settle"]


async def test_a_run_that_fails_is_refunded_whatever_the_provider_says(backend, user, provider):
    provider.fails(400, "no \0 \ud800 of that")
    status, body = await backend.run(user)
    assert (status, body["code"]) == (500, "AI_GENERATION_ERROR")
    provider.fails(503)
    assert (await backend.run(user))[0] == 500
    assert await backend.kinds(user) == ["grant"] + ["hold", "settle", "refund"] * 2
    assert (await backend.ledger(user))["balance"] == 10


async def test_words_that_no_database_keeps_are_refused_before_the_store(backend, user, provider):
    for odd in (b"\\u0000", b"\\ud800"):
        status, body = await backend.run(user, data=b'{"input": "x' + odd + b'"}')
        assert (status, body) == (400, {"error": "input holds a NUL character or half of a surrogate pair."})
        status, body = await backend.run(user, data=b'{"input": "x", "model": "m' + odd + b'"}')
        assert status == 400
    assert await backend.kinds(user) == ["grant"]
    provider.body["choices"][0]["message"]["content"] = "\0"
    assert (await backend.run(user))[0] == 500
    assert await backend.kinds(user) == ["grant", "hold", "settle", "refund"]


async def test_an_id_that_is_none_is_not_found_and_never_reaches_the_database(backend, user, unknown_id):
    for junk in (*JUNK, unknown_id):
        assert await backend.run(user, project=junk.format(user.project)) == (404, NOT_FOUND), junk
    assert await backend.kinds(user) == ["grant"]


async def test_of_runs_at_once_as_many_are_made_as_the_balance_covers(backend):
    user = await backend.user(credits=3)
    statuses = [status for status, _ in await asyncio.gather(*(backend.run(user) for _ in range(8)))]
    assert sorted(statuses) == [201] * 3 + [402] * 5
    assert (await backend.ledger(user))["balance"] == 0


async def test_a_lost_database_degrades_health_and_is_our_failure_until_it_is_back(start, postgres, tenant):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    assert (await backend.health())[0] == 200
    postgres.cut(tenant)
    for _ in range(2):
        status, body = await backend.health()
        assert (status, body["status"], body["supabase"], body["openai"]) == (
            503,
            "degraded",
            "disconnected",
            "connected",
        )
        assert await backend.run(user) == (500, INTERNAL)
    postgres.mend(tenant)
    assert (await backend.health())[0] == 200
    assert (await backend.run(user))[0] == 201


async def test_a_database_that_is_lost_during_a_run_is_our_failure_and_the_log_has_the_refund_that_failed(
    start, postgres, tenant, provider
):
    provider.gate = asyncio.Event()
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    calling = asyncio.ensure_future(backend.run(user))
    await provider.arrived.wait()
    postgres.cut(tenant)
    provider.gate.set()
    assert await calling == (500, INTERNAL)
    postgres.mend(tenant)
    assert await backend.kinds(user) == ["grant", "hold", "settle"]
    assert len(await backend.log(user, "refund_failed")) == 1


async def test_a_backend_that_stops_leaves_no_connection(start, postgres, tenant):
    backend = await start(DATABASE_URL=tenant)
    user = await backend.user()
    await asyncio.gather(*(backend.run(user) for _ in range(6)))
    assert postgres.connections(tenant) >= 1
    await backend.end()
    assert postgres.connections(tenant) == 0
