"""Plans on each kind of database: the same answers, the same ledger."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select

from harness.backend.store import PLANS, Store


@pytest.fixture
async def backend(start, address):
    """A backend with nothing wrong, on each kind of database."""
    return await start(DATABASE_URL=address)


async def test_a_plan_is_kept_under_its_id(backend, user, address):
    status, body = await backend.plan(user)
    assert status == 201
    store = await Store.open(address)
    async with store.begin() as tx:
        (row,) = (await tx.execute(select(PLANS))).all()
    await store.close()
    assert (row.id, row.user_id) == (UUID(body["id"]), UUID(user.id))
    assert row.session_id == "cksess_1"


async def test_texts_that_a_text_column_cannot_hold_are_kept_as_json(backend, user):
    raw = b'{"user_profile": {"name": "x\\u0000\\ud800"}, "questionnaires": [], "context": {}}'
    assert (await backend.plan(user, data=raw))[0] == 201


async def test_a_plan_that_fails_is_refunded(backend, user, provider):
    provider.fails("send", 400, "no \0 \ud800 of that")
    assert (await backend.plan(user))[0] == 502
    assert await backend.kinds(user) == ["grant", "hold", "settle", "refund"]
    assert (await backend.ledger(user))["balance"] == 10


async def test_of_plans_at_once_as_many_are_made_as_the_balance_covers(backend):
    user = await backend.user(credits=17)
    statuses = [status for status, _ in await asyncio.gather(*(backend.plan(user) for _ in range(8)))]
    assert sorted(statuses) == [201] * 3 + [402] * 5
    assert (await backend.ledger(user))["balance"] == 2
