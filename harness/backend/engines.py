"""Engines for the store: SQLite embedded, PostgreSQL by URL, and the words in which the two differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from .settings import SettingsError
from .steady import SteadyConnection

APPLICATION = "harness-backend"
"""What PostgreSQL calls this backend's connections (``pg_stat_activity.application_name``)."""

_CONNECT_S = 10.0
_STATEMENT_S = 30.0
_START_LOCK = 0x6861726E657373  # any number that other users of the database do not take for their own
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_OPTIONS = frozenset({"host", "port", "prepared_statement_cache_size", "ssl", "sslmode"})


@dataclass(frozen=True, slots=True)
class Backing:
    """An engine, the kind of its connections, and the first statement of two kinds of transaction.

    ``alone`` makes a transaction wait for every other that began with it, in whichever process; ``snapshot`` makes it
    see one moment, whatever others commit meanwhile.
    """

    engine: AsyncEngine
    connection: type[AsyncConnection]
    alone: str
    snapshot: str
    over_tcp: bool = False


def backing(url: str, pragmas: Sequence[str]) -> Backing:
    """The engine for a URL; ``pragmas`` are for SQLite, ``sslmode`` is taken as libpq means it.

    Raises:
        SettingsError: the URL is of no database that there is a driver for, or has an option that nobody knows.
        ArgumentError: it is no URL.
    """
    parsed = make_url(url)
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise SettingsError(f"DATABASE_URL must begin with sqlite: or postgresql:, not {parsed.drivername}:")
    parsed = parsed.set(drivername=driver)
    return _sqlite(parsed, pragmas) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)


def _sqlite(url: URL, pragmas: Sequence[str]) -> Backing:
    """One connection: SQLite has one writer anyway, and to wait for the connection is fairer than for its lock."""
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,  # every transaction ends by itself: see Store.begin
        connect_args={
            "isolation_level": "IMMEDIATE",  # the write lock first, so that no transaction has to be redone
            "timeout": _STATEMENT_S,  # how long another process may keep it
        },
    )
    event.listen(engine.sync_engine, "connect", _running(pragmas))
    return Backing(engine, SteadyConnection, alone="BEGIN IMMEDIATE", snapshot="BEGIN")


def _postgresql(url: URL) -> Backing:
    """A pool whose connections are tried before they are used: the server may have been away in between."""
    unknown = sorted(set(url.query) - _OPTIONS)
    if unknown:
        raise SettingsError(f"DATABASE_URL has an option that is not known: {', '.join(unknown)}")
    engine = create_async_engine(
        _with_ssl(url),
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": _STATEMENT_S,
            "server_settings": {"application_name": APPLICATION},
        },
    )
    return Backing(
        engine,
        AsyncConnection,  # its driver asks the server to give up, and what waits for a lock waits no more
        alone=f"SELECT pg_advisory_xact_lock({_START_LOCK})",
        snapshot="SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        over_tcp=bool(url.host),
    )


def _with_ssl(url: URL) -> URL:
    """libpq's ``sslmode`` by the name that asyncpg has for it."""
    query: Mapping[str, Any] = url.query
    if "sslmode" not in query:
        return url
    others = {name: value for name, value in query.items() if name != "sslmode"}
    return url.set(query={"ssl": query["sslmode"], **others})


def _running(statements: Sequence[str]) -> Callable[[Any, Any], None]:
    def run(connection: Any, record: Any) -> None:
        del record
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    return run
