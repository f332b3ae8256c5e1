"""The relational store: the tables, the same in SQLite and PostgreSQL, and the transactions that every part uses."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    select,
    text,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from .engines import backing


class Usd(TypeDecorator[Decimal]):
    """An exact amount of US dollars, stored as text: SQLite has no decimal type and would make it a float."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Decimal to text."""
        del dialect
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Text to Decimal."""
        del dialect
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC whichever the database: SQLite forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        del dialect
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


METADATA = MetaData()
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up only an INTEGER key

NOT_NEGATIVE = CheckConstraint("balance >= 0", name="balance_not_negative")
USERS = Table(
    "users",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("tier", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("balance", BigInteger, nullable=False),
    NOT_NEGATIVE,
)
"""A user and the balance in whole credits."""

ENTRIES = Table(
    "entries",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("user_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("hold_id", Uuid),
    Column("shortfall", BigInteger, nullable=False),
    Column("reason", String(256), nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("started_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger, nullable=False),
)
"""The ledger. ``open`` is what can still happen to an entry once: a hold can end, a settlement can be refunded."""

USAGE = Table(
    "usage",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("user_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("hold_id", Uuid),
    Column("model", String(128), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("credits", BigInteger, nullable=False),
)
"""What each charged call used."""

PROVIDERS = Table(
    "providers",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("base_url", Text, nullable=False),
)
"""Where each provider is. The settings decide: rows are written anew at every start."""

MODELS = Table(
    "models",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("provider", String(64)),
    Column("tier", String(16), nullable=False),
)
"""The catalogue. A model without a provider exists only where a custom base URL is set."""

PRICING = Table(
    "pricing",
    METADATA,
    Column("provider", String(64), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("input_usd_per_million", Usd, nullable=False),
    Column("output_usd_per_million", Usd, nullable=False),
)
"""What providers ask, in US dollars for a million tokens."""

PROJECTS = Table(
    "projects",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
)
"""What a user's runs belong to."""

RUNS = Table(
    "runs",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey(PROJECTS.c.id), nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("mapped_model", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""Every run that was completed: the model that was asked for, and the one that the provider was."""

CHAT_SESSIONS = Table(
    "chat_sessions",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("deleted", Boolean, nullable=False),
)
"""Chat sessions. One that was deleted stays, so that it is never made again."""

STREAMING_SESSIONS = Table(
    "streaming_sessions",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("session_id", Uuid, nullable=False, index=True),
    Column("user_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("model", String(128), nullable=False),
    Column("hold_id", Uuid, nullable=False, unique=True),
    Column("held", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("began_at", Moment, nullable=False),
)
"""What accounting knows of the streams of chat sessions; it is another service, so nothing ties it to their table."""

_OPEN = STREAMING_SESSIONS.c.state == "open"
ONE_STREAM = Index(
    "one_open_stream_of_a_session",
    STREAMING_SESSIONS.c.session_id,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
"""The database's own word on the promise that a session has one stream at a time."""

AGENT_SESSIONS = Table(
    "agent_sessions",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("user_id", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""Sessions with the agent. ``owner_id`` is whose token made one, ``user_id`` the name that they gave to its user."""

AGENT_MESSAGES = Table(
    "agent_messages",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("session_id", Uuid, ForeignKey(AGENT_SESSIONS.c.id), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""What was said in the agent's sessions."""

PLANS = Table(
    "plans",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("session_id", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""Every training plan that was completed; what was asked and what came of it are JSON documents, as text."""

_ENDS = ENTRIES.c.kind.in_(("settle", "release"))
_REFUNDS = ENTRIES.c.kind == "refund"
ONE_END = Index("one_end_of_a_hold", ENTRIES.c.hold_id, unique=True, sqlite_where=_ENDS, postgresql_where=_ENDS)
ONE_REFUND = Index(
    "one_refund_of_a_hold", ENTRIES.c.hold_id, unique=True, sqlite_where=_REFUNDS, postgresql_where=_REFUNDS
)
"""The database's own word on the two promises that ``Accounts`` makes: a hold ends once, and is refunded once."""

_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON")


class Store:
    """The engine and the tables. Make one with ``open``, end it with ``close``.

    Any number of processes can share a database, and come up on an empty one at the same time.
    """

    pragmas: tuple[str, ...] = _PRAGMAS

    def __init__(self, url: str) -> None:
        """``url`` names the database; empty for SQLite in a temporary file that ``close`` removes.

        ``postgresql://`` and ``sqlite://`` stand for the asynchronous drivers. Raises SettingsError for any other.
        """
        self._away = False
        self._folder = None if url else tempfile.TemporaryDirectory(prefix="harness-backend-")
        if self._folder is not None:
            url = f"sqlite:///{Path(self._folder.name) / 'store.sqlite3'}"
            self._backing = backing(url, (*self.pragmas, "PRAGMA synchronous=OFF"))
        else:
            self._backing = backing(url, self.pragmas)

    @classmethod
    async def open(cls, url: str) -> Self:
        """A store with its tables in place.

        Raises:
            SettingsError: there is no driver for the URL.
            SQLAlchemyError, OSError: the database cannot be opened.
        """
        store = cls(url)
        try:
            await store.prepare()
        except BaseException:
            await store.close()
            raise
        return store

    async def prepare(self) -> None:
        """Create the tables that are missing, with their indexes."""
        async with self.begin_alone() as tx:
            await tx.run_sync(METADATA.create_all)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end, rolled back when anything is raised or its task is cancelled."""
        if self._away:
            raise OperationalError(None, None, ConnectionError("the store was taken away"))
        async with self._backing.connection(self._backing.engine) as tx:
            yield tx
            await tx.commit()

    @asynccontextmanager
    async def begin_alone(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that waits for all others of this kind, in any process: what is done once, at start-up."""
        async with self.begin() as tx:
            await tx.execute(text(self._backing.alone))
            yield tx

    @asynccontextmanager
    async def begin_snapshot(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that reads: all of it sees the same moment."""
        async with self.begin() as tx:
            await tx.execute(text(self._backing.snapshot))
            yield tx

    def take_away(self, away: bool) -> None:
        """Whether nothing can be asked of the store from now on: an outage of it, for those who want to see one."""
        self._away = away

    async def check(self) -> None:
        """Ask the database for an answer; raises SQLAlchemyError or OSError where there is none."""
        async with self.begin() as tx:
            await tx.execute(select(1))

    def idle_connections(self) -> int:
        """How many connections are open and wait for use."""
        pool = self._backing.engine.pool
        return pool.checkedin() if isinstance(pool, QueuePool) else 0

    @property
    def over_tcp(self) -> bool:
        """Whether its connections are TCP sockets."""
        return self._backing.over_tcp

    async def close(self) -> None:
        """Close every connection; an embedded store is deleted."""
        await self._backing.engine.dispose()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
