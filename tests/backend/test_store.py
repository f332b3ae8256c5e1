import asyncio
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Uuid, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from harness.backend.accounts import Accounts
from harness.backend.gateway.catalogue import SEED_MODELS, SEED_PRICES, load_catalogue
from harness.backend.projects import Projects
from harness.backend.providers import configured, load_providers
from harness.backend.settings import Settings, SettingsError
from harness.backend.store import METADATA, PROJECTS, RUNS, USERS, Moment, Store

RUN = {"model": "m", "mapped_model": "m", "input": "in", "output": "out"}


@pytest.fixture
def tenant(postgres):
    """The address of an empty PostgreSQL database."""
    return postgres.database()


@pytest.fixture
async def kept(tenant):
    """A store in PostgreSQL."""
    one = await Store.open(tenant)
    yield one
    await one.close()


async def types_of(store):
    """(table, column) -> type, as PostgreSQL has them."""
    query = (
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = CURRENT_USER"
    )
    async with store.begin() as tx:
        return {(table, column): kind for table, column, kind in await tx.execute(text(query))}


async def test_postgresql_has_every_table_with_native_ids_and_moments_with_a_zone(kept):
    found = await types_of(kept)
    columns = {(table.name, column.name): column.type for table in METADATA.tables.values() for column in table.c}
    assert found.keys() == columns.keys()
    assert {one for one, kind in columns.items() if isinstance(kind, Uuid)} == {
        one for one, kind in found.items() if kind == "uuid"
    }
    assert {one for one, kind in columns.items() if isinstance(kind, Moment)} == {
        one for one, kind in found.items() if kind == "timestamp with time zone"
    }
    assert found["entries", "hold_id"] == "uuid"
    assert found["runs", "created_at"] == "timestamp with time zone"


async def test_a_moment_of_any_zone_comes_back_in_utc_to_the_microsecond(store, accounts):
    there = datetime(2026, 3, 29, 2, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    run_id, project_id = uuid4(), await Projects(store).create(await accounts.create(0, "free", "user"))
    async with store.begin() as tx:
        await tx.execute(insert(RUNS).values(id=run_id, project_id=project_id, created_at=there, **RUN))
        row = (await tx.execute(select(RUNS))).one()
    assert (row.created_at, row.created_at.utcoffset()) == (there, timedelta(0))
    assert isinstance(row.id, UUID)
    assert row.id == run_id


async def test_what_refers_to_nothing_is_refused(store):
    with pytest.raises(IntegrityError):
        async with store.begin() as tx:
            await tx.execute(insert(PROJECTS).values(id=uuid4(), user_id=uuid4()))


async def test_a_junk_id_is_an_error_of_postgresql_on_the_clients_side_and_on_its_own(kept):
    with pytest.raises(DBAPIError) as bound:
        await Projects(kept).owner("session-1-junk")
    assert isinstance(bound.value.orig.__cause__, asyncpg.DataError)
    with pytest.raises(DBAPIError) as written:
        async with kept.begin() as tx:
            await tx.execute(text("SELECT 1 FROM projects WHERE id = 'session-1-junk'"))
    assert written.value.orig.sqlstate == "22P02"


async def test_many_who_come_up_at_once_on_an_empty_database_all_do(address):
    settings = Settings(openai_api_key="sk-1", groq_api_key="gsk-1")

    async def come_up():
        store = await Store.open(address)
        try:
            return await load_providers(store, settings), await load_catalogue(store)
        finally:
            await store.close()

    found = await asyncio.gather(*(come_up() for _ in range(6)))
    assert all(one == found[0] for one in found)
    providers, (listings, prices) = found[0]
    assert set(providers) == set(configured(settings))
    assert (len(listings), len(prices)) == (len(SEED_MODELS), len(SEED_PRICES))


async def test_transactions_that_are_alone_do_not_run_alongside(address, store, accounts):
    user = await accounts.create(0, "free", "user")
    stores = [await Store.open(address) for _ in range(3)]

    async def count(one):
        async with one.begin_alone() as tx:
            seen = (await tx.execute(select(USERS.c.balance).where(USERS.c.id == user))).scalar_one()
            await tx.execute(update(USERS).where(USERS.c.id == user).values(balance=seen + 1))

    await asyncio.gather(*(count(stores[n % 3]) for n in range(9)))
    for one in stores:
        await one.close()
    async with store.begin() as tx:
        assert (await tx.execute(select(USERS.c.balance))).scalar_one() == 9


async def test_a_snapshot_sees_one_moment_whatever_others_do_meanwhile(address, store, accounts):
    user = await accounts.create(10, "free", "user")
    other = await Store.open(address)
    query = select(USERS.c.balance).where(USERS.c.id == user)
    async with store.begin_snapshot() as tx:
        before = (await tx.execute(query)).scalar_one()
        await Accounts(other).grant(user, 5)
        assert (await tx.execute(query)).scalar_one() == before == 10
    await other.close()
    async with store.begin_snapshot() as tx:
        assert (await tx.execute(query)).scalar_one() == 15


async def test_a_transaction_that_raises_leaves_nothing_and_the_connection_is_good(store, accounts):
    user = await accounts.create(10, "free", "user")

    async def fail():
        async with store.begin_alone() as tx:
            await tx.execute(update(USERS).where(USERS.c.id == user).values(balance=99))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with store.begin() as tx:
        assert (await tx.execute(select(USERS.c.balance))).scalar_one() == 10
    assert store.idle_connections() == 1


async def test_values_are_left_out_of_what_the_database_complains_of(store):
    with pytest.raises(IntegrityError) as refused:
        async with store.begin() as tx:
            await tx.execute(
                insert(RUNS).values(id=uuid4(), created_at=datetime.now(UTC), **RUN | {"input": "private"})
            )
    assert "private" not in str(refused.value).partition("DETAIL")[0]


async def test_a_store_that_lost_its_connections_says_so_and_is_itself_again(kept, postgres, tenant):
    await asyncio.gather(*(kept.check() for _ in range(3)))
    postgres.cut(tenant)
    for _ in range(2):
        with pytest.raises((SQLAlchemyError, OSError)):
            await kept.check()
    postgres.mend(tenant)
    await kept.check()


async def test_connections_that_ended_while_they_were_idle_are_made_anew(kept, postgres, tenant):
    await asyncio.gather(*(kept.check() for _ in range(3)))
    postgres.drop(tenant)
    await asyncio.gather(*(kept.check() for _ in range(3)))


async def test_a_store_that_is_closed_has_no_connections(postgres, tenant):
    store = await Store.open(tenant)
    await asyncio.gather(*(store.check() for _ in range(4)))
    assert postgres.connections(tenant) >= 1
    await store.close()
    assert postgres.connections(tenant) == 0


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://nobody@/postgres?host={folder}", SQLAlchemyError),
        ("postgresql://postgres@/nowhere?host={folder}", SQLAlchemyError),
        ("postgresql://postgres@/postgres?host={folder}/none", OSError),
        ("postgresql://postgres@127.0.0.1:{port}/postgres", OSError),
        ("mysql://host/db", SettingsError),
    ],
)
async def test_a_database_that_cannot_be_opened_is_an_error_of_a_known_kind(postgres, unused_tcp_port, url, error):
    with pytest.raises(error):
        await Store.open(url.format(folder=postgres.folder, port=unused_tcp_port))
