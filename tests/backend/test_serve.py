import asyncio
import json
import multiprocessing
import socket
import subprocess
import sys
import threading

import pytest

from harness.backend.serve import child, serve
from harness.backend.settings import Settings, SettingsError

CONTEXT = multiprocessing.get_context("forkserver")
MAPPING = {"OPENAI_API_KEY": "sk-test-0123456789", "JWT_SECRET": "a secret for tokens of at least 32 bytes"}


@pytest.fixture
def spawn():
    """Starts children; they are gone afterwards."""
    processes = []

    def begin(mapping, systems=("gateway",), defect=None):
        ours, theirs = CONTEXT.Pipe()
        process = CONTEXT.Process(target=child, args=(theirs, mapping, systems, defect))
        process.start()
        theirs.close()
        processes.append((process, ours))
        return process, ours

    yield begin
    for process, ours in processes:
        ours.close()
        process.join(20)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def reach(address):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        return True


@pytest.mark.parametrize("how", ["closed", "told", "terminated"])
def test_a_child_says_where_it_is_and_stops_when_told(spawn, how):
    process, ours = spawn(MAPPING)
    assert ours.poll(60)
    addresses = ours.recv()
    assert set(addresses) == {"gateway", "probe"}
    assert all(reach(address) for address in addresses.values())
    {"closed": ours.close, "told": lambda: ours.send("stop"), "terminated": process.terminate}[how]()
    process.join(20)
    assert process.exitcode == 0
    with pytest.raises(ConnectionRefusedError):
        reach(addresses["gateway"])


def test_children_that_start_at_once_on_an_empty_database_all_come_up(spawn, address):
    started = [spawn({**MAPPING, "DATABASE_URL": address}) for _ in range(3)]
    for _, ours in started:
        assert ours.poll(60)
        assert set(ours.recv()) == {"gateway", "probe"}


@pytest.mark.parametrize(
    ("mapping", "systems", "defect", "word"),
    [
        ({"JWT_SECRET": "short"}, ("gateway",), None, "JWT_SECRET"),
        (MAPPING, ("nothing",), None, "nothing"),
        (MAPPING, (), None, "no system"),
        (MAPPING, ("gateway",), "no-such-defect", "no-such-defect"),
        ({**MAPPING, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}, ("gateway",), None, "OperationalError"),
        ({**MAPPING, "DATABASE_URL": "postgresql://h/d?host=/nowhere"}, ("gateway",), None, "FileNotFoundError"),
        ({**MAPPING, "DATABASE_URL": "mysql://h/d"}, ("gateway",), None, "DATABASE_URL"),
    ],
)
def test_a_child_that_cannot_start_says_why(spawn, mapping, systems, defect, word):
    process, ours = spawn(mapping, systems, defect)
    assert ours.poll(60)
    assert word in ours.recv()["error"]
    process.join(20)
    assert process.exitcode == 0


async def test_an_address_that_is_taken_is_an_error_and_nothing_is_left(unused_tcp_port):
    with socket.create_server(("127.0.0.1", unused_tcp_port)), pytest.raises(OSError, match="in use"):
        await serve(Settings(), port=unused_tcp_port, ready=lambda _addresses: None, stop=asyncio.Event())
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_system_at_all_is_refused():
    with pytest.raises(SettingsError):
        await serve(Settings(), systems=(), ready=lambda _addresses: None, stop=asyncio.Event())


async def test_after_stopping_nothing_is_left(start, provider, parts, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    provider.stream(*parts["healthy"])
    threads = set(threading.enumerate())
    tasks = asyncio.all_tasks()
    backend = await start()
    assert list(tmp_path.iterdir())
    await asyncio.gather(*[backend.chat(await backend.user(), stream=True) for _ in range(4)])
    await backend.session.close()
    await backend.stop()
    await asyncio.wait_for(_gone(tasks), 5)
    assert {t for t in set(threading.enumerate()) - threads if not t.name.startswith(("asyncio_", "AnyIO"))} == set()
    assert list(tmp_path.iterdir()) == []


async def _gone(tasks):
    """Until what the provider's side of the connections still had to do is done."""
    while extra := asyncio.all_tasks() - tasks - {asyncio.current_task()}:
        await asyncio.wait(extra, timeout=0.1)


async def test_a_database_by_address_is_kept(start, provider, parts, tmp_path):
    url = f"sqlite:///{tmp_path}/kept.sqlite3"
    first = await start(DATABASE_URL=url)
    user = await first.user()
    assert (await first.chat(user))[0] == 200
    await first.stop()
    second = await start(DATABASE_URL=url)
    assert (await second.chat(user))[0] == 200
    assert [kind for kind, _ in await second.kinds(user)] == ["hold", "settle"] * 2


WHAT_IS_THERE = """
import asyncio, json, sys
from harness.backend.serve import serve
from harness.backend.settings import Settings

mapping, systems, forked = json.loads(sys.argv[1])
DIALECTS = "harness.backend.dialects."

async def main():
    stop = asyncio.Event()
    def ready(_addresses):
        print(*sorted({"anthropic", "google.genai", DIALECTS + "vertex"} & set(sys.modules)))
        stop.set()
    await serve(Settings.from_mapping(mapping), systems=systems, forked=forked, ready=ready, stop=stop)

asyncio.run(main())
"""
CLAUDE = {"ANTHROPIC_API_KEY": "sk-ant-0123456789"}
VERTEX = {"VERTEX_AI_ACCESS_TOKEN": "ya29.0123456789", "GOOGLE_CLOUD_PROJECT": "project"}


@pytest.mark.parametrize(
    ("keys", "systems", "forked", "there"),
    [
        (CLAUDE, ["gateway"], False, ["anthropic"]),
        (CLAUDE | VERTEX, ["agent"], False, ["anthropic", "google.genai", "harness.backend.dialects.vertex"]),
        ({}, ["gateway"], False, []),
        (CLAUDE, ["gateway"], True, []),
        ({**CLAUDE, "GROQ_API_KEY": "gsk_0123456789"}, ["runs"], False, []),
    ],
)
def test_what_speaks_with_the_providers_is_there_before_anything_is_served(keys, systems, forked, there):
    asked = json.dumps([{**MAPPING, **keys, "LOG_STREAM": "none"}, systems, forked])
    done = subprocess.run(
        [sys.executable, "-c", WHAT_IS_THERE, asked], capture_output=True, text=True, timeout=180, check=True
    )
    assert done.stdout.split() == there
