import asyncio
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from harness.backend.accounts import (
    CREDITS_MAX,
    AccountFull,
    Accounts,
    AlreadyEnded,
    InsufficientCredits,
    Settled,
    UnknownUser,
    Use,
)
from harness.backend.statements import Statements
from harness.backend.store import ENTRIES, USAGE, USERS, Store


async def statement(store, user):
    return await Statements(store).read(user)


async def balance(store, user):
    return (await statement(store, user))["balance"]


def kinds(found):
    return [(e["kind"], e["amount"], e["delta"], e["balance"]) for e in found["entries"]]


async def test_a_hold_is_settled_and_the_rest_comes_back(accounts, store):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)
    settled = await accounts.settle(hold.id, 12)
    found = await statement(store, user)
    assert (settled.credits, settled.shortfall, settled.balance) == (12, 0, 88)
    assert kinds(found) == [("grant", 100, 100, 100), ("hold", 30, -30, 70), ("settle", 12, 18, 88)]
    assert found["entries"][2]["hold_id"] == found["entries"][1]["id"] == str(hold.id)


async def test_a_price_above_hold_and_balance_is_charged_as_far_as_it_goes_and_the_shortfall_written_down(
    accounts, store
):
    user = await accounts.create(40, "free", "user")
    hold = await accounts.hold(user, 30)
    settled = await accounts.settle(hold.id, 100)
    found = await statement(store, user)
    assert (settled.credits, settled.shortfall, settled.balance) == (40, 60, 0)
    assert found["balance"] == 0
    assert found["entries"][-1]["shortfall"] == 60


async def test_a_price_above_the_hold_takes_what_it_needs_from_the_balance(accounts, store):
    user = await accounts.create(100, "free", "user")
    settled = await accounts.settle((await accounts.hold(user, 30)).id, 50)
    assert (settled.credits, settled.shortfall, settled.balance) == (50, 0, 50)


async def test_too_little_is_refused_with_the_figures_and_leaves_no_mark(accounts, store):
    user = await accounts.create(10, "free", "user")
    with pytest.raises(InsufficientCredits) as refused:
        await accounts.hold(user, 11)
    assert (refused.value.needed, refused.value.balance) == (11, 10)
    assert kinds(await statement(store, user)) == [("grant", 10, 10, 10)]


@pytest.mark.parametrize("first", ["settle", "release"])
@pytest.mark.parametrize("second", ["settle", "release"])
async def test_a_hold_ends_once(accounts, store, first, second):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)
    end = {"settle": lambda: accounts.settle(hold.id, 5), "release": lambda: accounts.release(hold.id)}
    await end[first]()
    before = await statement(store, user)
    with pytest.raises(AlreadyEnded):
        await end[second]()
    assert await statement(store, user) == before


async def test_of_many_who_end_a_hold_at_once_one_succeeds(accounts, store):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)
    ends = [accounts.settle(hold.id, 5) if n % 2 else accounts.release(hold.id) for n in range(8)]
    results = await asyncio.gather(*ends, return_exceptions=True)
    assert sum(isinstance(one, AlreadyEnded) for one in results) == 7
    assert len((await statement(store, user))["entries"]) == 3


async def test_of_many_holds_at_once_as_many_succeed_as_the_balance_covers(accounts, store):
    user = await accounts.create(35, "free", "user")
    results = await asyncio.gather(*(accounts.hold(user, 10) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(one, InsufficientCredits) for one in results) == 17
    assert await balance(store, user) == 5
    assert await accounts.open_holds() == 3


@pytest.fixture
async def elsewhere(address, store):
    """The accounts as another process has them: the same database, other connections."""
    other = await Store.open(address)
    yield Accounts(other)
    await other.close()


async def test_two_who_share_a_database_spend_a_balance_once(accounts, elsewhere, store):
    user = await accounts.create(35, "free", "user")
    holds = [(accounts, elsewhere)[n % 2].hold(user, 10) for n in range(12)]
    results = await asyncio.gather(*holds, return_exceptions=True)
    assert sum(isinstance(one, InsufficientCredits) for one in results) == 9
    found = await statement(store, user)
    assert (found["balance"], len(found["entries"])) == (5, 4)
    assert await elsewhere.open_holds() == 3


async def test_two_who_share_a_database_end_a_hold_once_and_refund_it_once(accounts, elsewhere, store):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)
    both = (accounts, elsewhere)
    ends = [both[n % 2].settle(hold.id, 50) if n % 3 else both[n % 2].release(hold.id) for n in range(9)]
    ended = await asyncio.gather(*ends, return_exceptions=True)
    assert sum(isinstance(one, AlreadyEnded) for one in ended) == 8
    refunds = await asyncio.gather(*(both[n % 2].refund(hold.id) for n in range(6)), return_exceptions=True)
    settled = any(isinstance(one, Settled) for one in ended)
    assert sorted(one for one in refunds if isinstance(one, int)) == ([50] if settled else [])
    assert sum(isinstance(one, AlreadyEnded) for one in refunds) == (5 if settled else 6)
    assert await balance(store, user) == 100


async def test_a_refund_gives_back_at_most_what_was_charged_and_once(accounts, store):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)
    await accounts.settle(hold.id, 12)
    assert await accounts.refund(hold.id, 500, reason="failed", metadata={"why": "x"}) == 12
    found = await statement(store, user)
    assert kinds(found)[-1] == ("refund", 12, 12, 100)
    assert (found["entries"][-1]["reason"], found["entries"][-1]["metadata"]) == ("failed", {"why": "x"})
    with pytest.raises(AlreadyEnded):
        await accounts.refund(hold.id)


async def test_what_was_not_settled_cannot_be_refunded(accounts):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)
    with pytest.raises(AlreadyEnded):
        await accounts.refund(hold.id)
    await accounts.release(hold.id)
    with pytest.raises(AlreadyEnded):
        await accounts.refund(hold.id)


async def test_the_usage_row_is_written_with_the_settlement_or_neither_is(accounts, store):
    user = await accounts.create(100, "free", "user")
    hold = await accounts.hold(user, 30)

    async def write(tx, settled):
        use = {"model": "m", "provider": "p", "input_tokens": 1, "output_tokens": 2, "estimated": True}
        await accounts.write_use(tx, Use(user_id=user, hold_id=hold.id, credits=settled.credits, **use))

    async def fail(tx, settled):
        await write(tx, settled)
        raise LookupError

    with pytest.raises(LookupError):
        await accounts.settle(hold.id, 5, also=fail)
    found = await statement(store, user)
    assert (found["usage"], len(found["entries"]), await accounts.open_holds()) == ([], 2, 1)
    await accounts.settle(hold.id, 5, also=write)
    row = (await statement(store, user))["usage"][0]
    assert (row["credits"], row["estimated"], row["hold_id"]) == (5, True, str(hold.id))


async def test_a_hold_is_placed_with_what_it_is_for_or_not_at_all(accounts, store):
    user = await accounts.create(100, "free", "user")
    seen = []

    async def note(tx, held):
        seen.append(held)

    async def fail(tx, held):
        await tx.execute(insert(USERS).values(id=user, tier="free", role="user", balance=0))

    with pytest.raises(IntegrityError):
        await accounts.hold(user, 30, also=fail)
    assert await balance(store, user) == 100
    assert await accounts.open_holds() == 0
    assert seen == [await accounts.hold(user, 30, also=note)]
    assert (await balance(store, user), await accounts.open_holds()) == (70, 1)


async def test_nobody_has_no_account(accounts, store):
    nobody = uuid4()
    with pytest.raises(UnknownUser):
        await accounts.grant(nobody, 5)
    with pytest.raises(UnknownUser):
        await accounts.hold(nobody, 5)
    assert await accounts.find(nobody) is None
    assert await statement(store, nobody) is None


async def test_entries_say_when_they_were_made_in_order(accounts, store):
    user = await accounts.create(100, "free", "user")
    await accounts.release((await accounts.hold(user, 1)).id)
    times = [(e["started_ns"], e["ended_ns"]) for e in (await statement(store, user))["entries"]]
    assert all(started < ended for started, ended in times)
    assert [started for started, _ in times] == sorted(started for started, _ in times)


async def test_the_database_itself_refuses_a_negative_balance_and_a_second_end(accounts, store):
    user = await accounts.create(10, "free", "user")
    hold = await accounts.hold(user, 5)
    await accounts.settle(hold.id, 5)
    with pytest.raises(IntegrityError):
        async with store.begin() as tx:
            await tx.execute(update(USERS).where(USERS.c.id == user).values(balance=-1))
    async with store.begin() as tx:
        await tx.execute(update(ENTRIES).where(ENTRIES.c.id == hold.id).values(open=True))
    with pytest.raises(IntegrityError):
        await accounts.release(hold.id)
    with pytest.raises(IntegrityError):
        async with store.begin() as tx:
            await tx.execute(insert(USAGE).values(user_id=uuid4()))


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(("grant", "hold", "settle", "release", "refund")), st.integers(0, 60), st.integers(0, 5)),
    max_size=25,
)


async def entries_in(store):
    async with store.begin() as tx:
        return (await tx.execute(select(func.count()).select_from(ENTRIES))).scalar_one()


async def play(address, operations, at_once):
    """Do operations, some at once, each on one of the holds there are; gives the final statement."""
    store = await Store.open(address)
    try:
        accounts = Accounts(store)
        before = await entries_in(store)
        user = await accounts.create(50, "free", "user")
        holds = []

        async def one(kind, amount, which):
            hold_id = holds[which % len(holds)] if holds else uuid4()
            match kind:
                case "grant":
                    await accounts.grant(user, amount)
                case "hold":
                    holds.append((await accounts.hold(user, amount)).id)
                case "settle":
                    await accounts.settle(hold_id, amount)
                case "release":
                    await accounts.release(hold_id)
                case "refund":
                    await accounts.refund(hold_id, amount)

        for start in range(0, len(operations), at_once):
            together = (one(*operation) for operation in operations[start : start + at_once])
            for result in await asyncio.gather(*together, return_exceptions=True):
                assert result is None or isinstance(result, InsufficientCredits | AlreadyEnded), result
        found = await Statements(store).read(user)
        assert await entries_in(store) - before == len(found["entries"])
        return found
    finally:
        await store.close()


@settings(max_examples=40, deadline=None)
@given(operations=OPERATIONS, at_once=st.integers(1, 6))
def test_whatever_is_done_in_whatever_order_credits_are_conserved(shared_address, operations, at_once):
    found = asyncio.run(play(shared_address, operations, at_once))
    running = 0
    held, charged, ended, refunded = {}, {}, set(), set()
    for entry in found["entries"]:
        running += entry["delta"]
        assert entry["balance"] == running >= 0
        assert entry["amount"] >= 0
        hold = entry["hold_id"]
        match entry["kind"]:
            case "grant":
                assert entry["delta"] == entry["amount"]
            case "hold":
                held[entry["id"]] = entry["amount"]
                assert entry["delta"] == -entry["amount"]
            case "settle" | "release":
                assert hold not in ended
                ended.add(hold)
                charged[hold] = entry["amount"] if entry["kind"] == "settle" else 0
                assert entry["delta"] == held[hold] - charged[hold]
            case "refund":
                assert hold not in refunded
                refunded.add(hold)
                assert entry["delta"] == entry["amount"] <= charged[hold]
    assert found["balance"] == running


async def test_the_greatest_balance_is_exact_and_one_more_credit_is_refused(accounts, store):
    user = await accounts.create(CREDITS_MAX, "free", "user")
    hold = await accounts.hold(user, 7)
    assert (await accounts.settle(hold.id, 3)).balance == CREDITS_MAX - 3
    assert await accounts.grant(user, 3) == CREDITS_MAX
    with pytest.raises(AccountFull, match=str(CREDITS_MAX)):
        await accounts.grant(user, 1)
    assert await balance(store, user) == CREDITS_MAX
    everything = await accounts.hold(user, CREDITS_MAX)
    assert everything.balance == 0
    assert await accounts.release(everything.id) == CREDITS_MAX
