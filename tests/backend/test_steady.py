"""Tasks that are cancelled in the middle of a statement leave a store that everybody else can use."""

import asyncio

import pytest
from sqlalchemy import event

from harness.backend.steady import SteadyConnection

LIMIT_S = 10.0


@pytest.fixture
def engine(store):
    return store._backing.engine


@pytest.mark.parametrize("nth", range(8))
async def test_a_cancelled_statement_tears_nothing(store, engine, accounts, nth):
    """A hold and its settlement, cancelled while the nth statement of theirs is at the driver."""
    user = await accounts.create(100, "pro", "user")
    left = nth

    async def spend():
        hold = await accounts.hold(user, 10)
        await accounts.settle(hold.id, 10)

    def cancel(*_statement):
        nonlocal left
        if left == 0:
            loop.call_soon_threadsafe(spending.cancel)
        left -= 1

    loop = asyncio.get_running_loop()
    event.listen(engine.sync_engine, "before_cursor_execute", cancel)
    spending = asyncio.create_task(spend())
    others = [asyncio.create_task(accounts.hold(user, 1)) for _ in range(4)]
    await asyncio.wait([spending])
    event.remove(engine.sync_engine, "before_cursor_execute", cancel)
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(*others)
        await accounts.hold(user, 1)
    assert left < 0
    assert await accounts.balance(user) in (95, 85)  # five holds of one credit, and the ten or not


async def test_a_task_that_is_cancelled_while_it_waits_for_a_connection_takes_none(store, engine):
    async with asyncio.TaskGroup() as group:
        entered, leave = asyncio.Event(), asyncio.Event()
        group.create_task(keep(engine, entered, leave))
        await entered.wait()
        waiting = group.create_task(keep(engine, asyncio.Event(), leave))
        waiting.cancel()
        leave.set()
    async with asyncio.timeout(LIMIT_S):
        await store.check()
    assert store.idle_connections() >= 1


@pytest.fixture
def address():
    """SQLite: the other database's driver can be stopped in the middle of a statement."""
    return ""


async def keep(engine, entered, leave):
    async with SteadyConnection(engine):
        entered.set()
        await leave.wait()
