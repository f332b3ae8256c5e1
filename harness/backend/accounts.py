"""Users and their credits: grant, hold, settle, release, refund. Each is one transaction.

The rules. A balance never goes below zero, whatever runs at once: credits leave an account only by an update that
checks the balance in the same statement. A hold ends exactly once, settled or released. Settling charges the price,
at most the hold plus what is left of the balance, and writes down the shortfall. A refund gives back what a settlement
charged, at most all of it, once.

Every entry carries ``started_ns`` and ``ended_ns``: ``time.monotonic_ns()`` before the transaction began and while it
still held the account's row, so that the moment at which the operation took effect lies between the two.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, Update, bindparam, func, insert, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .store import ENTRIES, USAGE, USERS, Store

CREDITS_MAX = 2**63 - 1
"""The most that an account can hold: what the database's whole numbers have room for."""

Also = Callable[[AsyncConnection, "Settled"], Awaitable[None]]
"""Work to do in the transaction that ends a hold, such as writing the usage row."""

AlsoHeld = Callable[[AsyncConnection, "Hold"], Awaitable[None]]
"""Work to do in the transaction that places a hold, such as writing down what it is for."""


class AccountError(Exception):
    """An operation on an account cannot be done."""


class UnknownUser(AccountError):
    """There is no such user."""


class InsufficientCredits(AccountError):
    """The balance does not cover the hold. ``needed`` and ``balance`` are credits."""

    def __init__(self, needed: int, balance: int) -> None:
        self.needed = needed
        self.balance = balance
        super().__init__(f"the call needs {needed} credits, the balance is {balance}")


class AccountFull(AccountError):
    """The balance would be more than ``CREDITS_MAX``."""


class AlreadyEnded(AccountError):
    """The hold was ended before, or the settlement was refunded before."""


@dataclass(frozen=True, slots=True)
class User:
    """A user as stored."""

    id: UUID
    tier: str
    role: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Credits set aside, already taken from the balance."""

    id: UUID
    user_id: UUID
    credits: int
    balance: int


@dataclass(frozen=True, slots=True)
class Settled:
    """How a hold was settled. ``shortfall`` is what the price was above the charge."""

    hold_id: UUID
    user_id: UUID
    credits: int
    shortfall: int
    balance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A usage row to write."""

    user_id: UUID
    hold_id: UUID
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    estimated: bool
    credits: int


class Accounts:
    """The ledger's operations. Safe to call at once from any number of tasks and processes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, credits: int, tier: str, role: str) -> UUID:
        """A new user whose first entry grants ``credits``."""
        user_id = uuid4()
        async with self._store.begin() as tx:
            await tx.execute(insert(USERS).values(id=user_id, tier=tier, role=role, balance=0))
        if credits:
            await self.grant(user_id, credits)
        return user_id

    async def find(self, user_id: UUID) -> User | None:
        """The user, or None."""
        async with self._store.begin() as tx:
            row = (await tx.execute(_FIND, {"user": user_id})).one_or_none()
        return None if row is None else User(user_id, row.tier, row.role)

    async def grant(self, user_id: UUID, amount: int, reason: str = "grant") -> int:
        """Put credits in; gives the new balance. Raises UnknownUser and AccountFull."""
        _not_negative(amount)
        started_ns = time.monotonic_ns()
        async with self._store.begin() as tx:
            balance = await self._add(tx, user_id, amount)
            await self._write(
                tx,
                user_id,
                "grant",
                amount=amount,
                delta=amount,
                balance=balance,
                reason=reason,
                started_ns=started_ns,
            )
        return balance

    async def hold(self, user_id: UUID, amount: int, reason: str = "", *, also: AlsoHeld | None = None) -> Hold:
        """Set credits aside.

        ``also`` is done in the same transaction: where it fails nothing was held. Raises InsufficientCredits where the
        balance does not cover them.
        """
        _not_negative(amount)
        started_ns = time.monotonic_ns()
        async with self._store.begin() as tx:
            balance = await self._take(tx, user_id, amount)
            hold_id = await self._write_hold(tx, user_id, amount, balance, reason, started_ns)
            held = Hold(hold_id, user_id, amount, balance)
            if also is not None:
                await also(tx, held)
        return held

    async def settle(
        self,
        hold_id: UUID,
        price: int,
        *,
        reason: str = "",
        metadata: Mapping[str, Any] | None = None,
        also: Also | None = None,
    ) -> Settled:
        """End a hold by charging ``price`` credits, as far as the hold and the balance go.

        ``also`` is done in the same transaction: where it fails nothing was settled. Raises AlreadyEnded.
        """
        _not_negative(price)
        started_ns = time.monotonic_ns()
        async with self._store.begin() as tx:
            held = await self._claim(tx, ENTRIES.c.id == hold_id, "hold")
            charge = await self._chargeable(tx, held.user_id, price, held.amount)
            balance = await self._add(tx, held.user_id, held.amount - charge)
            settled = Settled(hold_id, held.user_id, charge, price - charge, balance)
            await self._write(
                tx,
                held.user_id,
                "settle",
                amount=charge,
                delta=held.amount - charge,
                balance=balance,
                hold_id=hold_id,
                shortfall=settled.shortfall,
                reason=reason,
                metadata=metadata,
                open=True,
                started_ns=started_ns,
            )
            if also is not None:
                await also(tx, settled)
        return settled

    async def balance(self, user_id: UUID) -> int:
        """What there is now. Raises UnknownUser."""
        async with self._store.begin() as tx:
            return await self._balance(tx, user_id)

    async def release(self, hold_id: UUID, reason: str = "", *, also: Also | None = None) -> int:
        """End a hold and charge nothing; gives the new balance. ``also`` as in ``settle``. Raises AlreadyEnded."""
        started_ns = time.monotonic_ns()
        async with self._store.begin() as tx:
            held = await self._claim(tx, ENTRIES.c.id == hold_id, "hold")
            balance = await self._add(tx, held.user_id, held.amount)
            await self._write(
                tx,
                held.user_id,
                "release",
                amount=held.amount,
                delta=held.amount,
                balance=balance,
                hold_id=hold_id,
                reason=reason,
                started_ns=started_ns,
            )
            if also is not None:
                await also(tx, Settled(hold_id, held.user_id, 0, 0, balance))
        return balance

    async def refund(
        self,
        hold_id: UUID,
        amount: int | None = None,
        *,
        reason: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> int:
        """Give back what settling a hold charged: all of it, or ``amount`` where that is less.

        Gives the credits that came back. Raises AlreadyEnded where it was refunded before, or never settled.
        """
        started_ns = time.monotonic_ns()
        async with self._store.begin() as tx:
            charged = await self._claim(tx, ENTRIES.c.hold_id == hold_id, "settle")
            back: int = charged.amount if amount is None else min(max(amount, 0), charged.amount)
            balance = await self._add(tx, charged.user_id, back)
            await self._write(
                tx,
                charged.user_id,
                "refund",
                amount=back,
                delta=back,
                balance=balance,
                hold_id=hold_id,
                reason=reason,
                metadata=metadata,
                started_ns=started_ns,
            )
        return back

    async def write_use(self, tx: AsyncConnection, use: Use) -> None:
        """Write a usage row in a transaction that is under way."""
        await tx.execute(
            _INSERT_USE,
            {
                "id": uuid4(),
                "user_id": use.user_id,
                "hold_id": use.hold_id,
                "model": use.model,
                "provider": use.provider,
                "input_tokens": use.input_tokens,
                "output_tokens": use.output_tokens,
                "estimated": use.estimated,
                "credits": use.credits,
            },
        )

    async def open_holds(self) -> int:
        """How many holds have not ended, of all processes that share the database.

        Those of a process that was killed stay: nothing in the database tells them from the holds of one that is still
        at work, so a start ends none of them. ``release`` them by hand.
        """
        async with self._store.begin() as tx:
            return int((await tx.execute(_COUNT_OPEN)).scalar_one())

    async def _take(self, tx: AsyncConnection, user_id: UUID, amount: int) -> int:
        """Take credits where the balance covers them, check and write in one statement; gives the new balance."""
        balance = (await tx.execute(_TAKE, {"user": user_id, "amount": amount})).scalar_one_or_none()
        if balance is None:
            raise InsufficientCredits(amount, await self._balance(tx, user_id))
        return int(balance)

    async def _add(self, tx: AsyncConnection, user_id: UUID, amount: int) -> int:
        """Change the balance; gives the new one. A sum that there is no room for is refused, not rounded."""
        room = min(CREDITS_MAX, CREDITS_MAX - amount)
        balance = (await tx.execute(_ADD, {"user": user_id, "amount": amount, "room": room})).scalar_one_or_none()
        if balance is None:
            has = await self._balance(tx, user_id)
            raise AccountFull(f"a balance of {has} has no room for {amount} more: {CREDITS_MAX} is the most")
        return int(balance)

    async def _balance(self, tx: AsyncConnection, user_id: UUID) -> int:
        """The balance, with the account's row locked until the transaction ends."""
        balance = (await tx.execute(_BALANCE, {"user": user_id})).scalar_one_or_none()
        if balance is None:
            raise UnknownUser(str(user_id))
        return int(balance)

    async def _chargeable(self, tx: AsyncConnection, user_id: UUID, price: int, held: int) -> int:
        """What of a price can be charged: at most the hold plus what is left."""
        if price <= held:
            return price
        return min(price, held + await self._balance(tx, user_id))

    async def _claim(self, tx: AsyncConnection, which: Any, kind: str) -> Row[Any]:
        """Close an open entry: of any number who try, one succeeds. The others get AlreadyEnded."""
        claim: Update = update(ENTRIES).where(which, ENTRIES.c.kind == kind, ENTRIES.c.open).values(open=False)
        row = (await tx.execute(claim.returning(ENTRIES.c.user_id, ENTRIES.c.amount))).one_or_none()
        if row is None:
            raise AlreadyEnded(f"there is no open {kind}")
        return row

    async def _write_hold(
        self, tx: AsyncConnection, user_id: UUID, amount: int, balance: int, reason: str, started_ns: int
    ) -> UUID:
        return await self._write(
            tx,
            user_id,
            "hold",
            amount=amount,
            delta=-amount,
            balance=balance,
            reason=reason,
            open=True,
            started_ns=started_ns,
        )

    async def _write(
        self,
        tx: AsyncConnection,
        user_id: UUID,
        kind: str,
        *,
        amount: int,
        delta: int,
        balance: int,
        started_ns: int,
        hold_id: UUID | None = None,
        shortfall: int = 0,
        reason: str = "",
        metadata: Mapping[str, Any] | None = None,
        open: bool = False,
    ) -> UUID:
        """Write one ledger entry; gives its id."""
        entry_id = uuid4()
        row = {
            "id": entry_id,
            "user_id": user_id,
            "kind": kind,
            "amount": amount,
            "delta": delta,
            "balance": balance,
            "hold_id": hold_id,
            "shortfall": shortfall,
            "reason": reason,
            "metadata": dict(metadata or {}),
            "open": open,
            "started_ns": started_ns,
            "ended_ns": time.monotonic_ns(),
        }
        await tx.execute(_INSERT_ENTRY, row)
        return entry_id


def _not_negative(amount: int) -> None:
    if amount < 0:
        raise ValueError(f"an amount of credits is never negative: {amount}")


_USER = bindparam("user", type_=USERS.c.id.type)
_AMOUNT = bindparam("amount", type_=USERS.c.balance.type)
_FIND = select(USERS.c.tier, USERS.c.role).where(USERS.c.id == _USER)
_BALANCE = select(USERS.c.balance).where(USERS.c.id == _USER).with_for_update()
_ROOM = bindparam("room", type_=USERS.c.balance.type)
_ADD = (
    update(USERS)
    .where(USERS.c.id == _USER, USERS.c.balance <= _ROOM)
    .values(balance=USERS.c.balance + _AMOUNT)
    .returning(USERS.c.balance)
)
_TAKE = (
    update(USERS)
    .where(USERS.c.id == _USER, USERS.c.balance >= _AMOUNT)
    .values(balance=USERS.c.balance - _AMOUNT)
    .returning(USERS.c.balance)
)
_COUNT_OPEN = (
    select(func.count(literal_column("1"))).select_from(ENTRIES).where(ENTRIES.c.kind == "hold", ENTRIES.c.open)
)
_INSERT_ENTRY = insert(ENTRIES)
_INSERT_USE = insert(USAGE)
