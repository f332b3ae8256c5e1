import pytest
from sqlalchemy.exc import ArgumentError

from harness.backend.engines import backing
from harness.backend.settings import SettingsError


@pytest.mark.parametrize(
    ("given", "used", "over_tcp"),
    [
        ("postgresql://me@host:1/db", "postgresql+asyncpg://me@host:1/db", True),
        ("postgres://host/db", "postgresql+asyncpg://host/db", True),
        ("postgresql+asyncpg://host/db", "postgresql+asyncpg://host/db", True),
        ("postgresql://me@/db?host=/run/pg", "postgresql+asyncpg://me@/db?host=%2Frun%2Fpg", False),
        ("postgresql://host/db?sslmode=require", "postgresql+asyncpg://host/db?ssl=require", True),
        (
            "postgresql://h/d?prepared_statement_cache_size=0",
            "postgresql+asyncpg://h/d?prepared_statement_cache_size=0",
            True,
        ),
        ("sqlite:///kept.sqlite3", "sqlite+aiosqlite:///kept.sqlite3", False),
        ("sqlite+aiosqlite:///kept.sqlite3", "sqlite+aiosqlite:///kept.sqlite3", False),
    ],
)
def test_an_address_is_read_for_the_driver_that_there_is(given, used, over_tcp):
    found = backing(given, ())
    assert found.engine.url.render_as_string(hide_password=False) == used
    assert found.over_tcp is over_tcp


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("mysql://host/db", "mysql"),
        ("postgresql+psycopg://host/db", r"postgresql\+psycopg"),
        ("postgresql://host/db?channel_binding=require", "channel_binding"),
    ],
)
def test_an_address_that_no_driver_reads_is_refused_by_name(address, word):
    with pytest.raises(SettingsError, match=f"DATABASE_URL.*{word}"):
        backing(address, ())


def test_what_is_no_address_is_an_error_of_its_own_that_does_not_repeat_it():
    with pytest.raises(ArgumentError) as refused:
        backing("me:secret", ())
    assert "secret" not in str(refused.value)
