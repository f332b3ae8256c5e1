"""Tests that leave nothing open, or nothing of their own: none of them may fail. Run by ``test_sound.py``."""

import asyncio
import concurrent.futures
import contextlib
import functools
import logging
import logging.handlers
import queue
import socket
import socketserver
import sys
import threading
import unittest

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

pytestmark = pytest.mark.leak_check

LOG = logging.getLogger("sound")
on_module_loop = pytest.mark.asyncio(loop_scope="module")


async def greet(request):
    return web.Response(text="hello")


async def echo(request):
    answers = web.WebSocketResponse()
    await answers.prepare(request)
    async for message in answers:
        await answers.send_str(message.data)
    return answers


@contextlib.asynccontextmanager
async def served():
    app = web.Application()
    app.add_routes([web.get("/", greet), web.get("/echo", echo)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class LazyClient:
    """Opens its session when it is first asked, as many clients do."""

    def __init__(self):
        self._session = None
        self._tasks = set()

    async def get(self, url):
        if self._session is None:
            self._session = aiohttp.ClientSession()
            self._tasks.add(asyncio.create_task(asyncio.Event().wait()))
        async with self._session.get(url) as response:
            return await response.text()

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await self._session.close()


@pytest.fixture
async def url():
    async with served() as here:
        yield here


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_url():
    async with served() as here:
        yield here


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lazy_client():
    client = LazyClient()
    yield client
    await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session_factory():
    made = []

    def make():
        made.append(aiohttp.ClientSession())
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture(scope="module")
def module_server():
    """A server with a thread for each connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(16)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def module_pool():
    with concurrent.futures.ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture(scope="module")
def sockets():
    kept = []
    yield kept
    for one in kept:
        one.close()


@pytest.fixture
def opened(tmp_path):
    """Closes what the test opens through it, after the test's loop has gone."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context((tmp_path / name).open("w"))


@pytest.fixture
def raw_socket():
    with socket.socket() as sock:
        yield sock


@pytest.fixture
async def ticking():
    async def tick():
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(tick())
        yield task
        task.cancel()


@on_module_loop
async def test_session_of_the_module(module_session, module_url):
    async with module_session.get(module_url) as response:
        assert await response.text() == "hello"


@on_module_loop
async def test_session_of_the_module_again(module_session, module_url):
    async with module_session.get(module_url) as first, module_session.get(module_url) as second:
        assert await first.text() == await second.text()


@on_module_loop
async def test_fixture_of_the_module_asked_for_late(request):
    assert request.getfixturevalue("module_pool")


@on_module_loop
async def test_client_that_opens_late(lazy_client, module_url):
    assert await lazy_client.get(module_url) == "hello"


@on_module_loop
async def test_factory_of_the_module(session_factory, module_url):
    async with session_factory().get(module_url) as response:
        assert await response.text() == "hello"


def test_server_of_the_module(module_server):
    with socket.create_connection(module_server) as sock:
        sock.sendall(b"hello")


def test_pool_of_the_module(module_pool):
    assert module_pool.submit(len, "hello").result() == 5


def test_list_of_the_module(sockets):
    sockets.append(socket.socket())


async def test_own_session(url):
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(url) as response:
                assert await response.text() == "hello"


async def test_response_without_a_body_to_wait_for(url):
    async with aiohttp.ClientSession() as session:
        response = await session.get(url)
        assert await response.read()


async def test_websocket(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/echo") as ends:
        await ends.send_str("hello")
        assert await ends.receive_str() == "hello"


async def test_resolver_and_executor(url):
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo("localhost", 80)
    assert await loop.run_in_executor(None, len, "hello") == 5
    assert await asyncio.to_thread(len, "hello") == 5


@on_module_loop
async def test_executor_of_a_loop_that_goes_on():
    assert await asyncio.to_thread(len, "hello") == 5


async def test_fixtures_clean_up(opened, raw_socket, ticking):
    opened("log").write("hello")
    raw_socket.bind(("127.0.0.1", 0))
    assert not ticking.done()


async def test_closing_takes_a_few_cycles():
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    transport.close()
    server.close()


async def test_finished_generators_and_cycles():
    async def numbers():
        yield 1

    ring = [numbers()]
    ring.append(ring)
    assert [number async for number in ring[0]] == [1]


async def test_file_in_a_cycle(tmp_path):
    ring = [(tmp_path / "log").open("w")]
    ring.append(ring)


async def test_generator_of_a_library(url):
    stack = contextlib.AsyncExitStack()
    async with stack, aiohttp.ClientSession() as session, session.get(url) as response:
        async for chunk in response.content.iter_chunked(2):
            assert chunk == b"he"
            break


def test_logging(tmp_path):
    handler = logging.FileHandler(tmp_path / "log")
    LOG.addHandler(handler)
    records = queue.SimpleQueue()
    logging.handlers.QueueListener(records, handler).start()


def test_import(tmp_path, monkeypatch):
    (tmp_path / "opens_while_imported.py").write_text("import socket\nSOCKET = socket.socket()\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert __import__("opens_while_imported").SOCKET


def test_run():
    async def main():
        async with asyncio.timeout(60):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.to_thread(len, "hello"))
                group.create_task(asyncio.Event().wait())
                group.create_task(fail())

    async def fail():
        raise ConnectionError

    with pytest.raises(ExceptionGroup):
        asyncio.run(main())


def test_own_loop():
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(loop.create_task(asyncio.Event().wait()), 0))
    except TimeoutError:
        loop.close()


def test_pool_without_waiting():
    pool = concurrent.futures.ThreadPoolExecutor()
    pool.submit(len, "hello")
    pool.shutdown(wait=False)


async def test_task_factory_of_the_tester():
    loop = asyncio.get_running_loop()
    made = []

    def factory(loop, coroutine, **named):
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **named)

    loop.set_task_factory(factory)
    assert await asyncio.create_task(asyncio.to_thread(len, "hello")) == 5
    assert len(made) == 1
    assert loop.get_task_factory() is factory


async def test_child_process():
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=asyncio.subprocess.PIPE)
    assert await child.communicate() == (b"1\n", None)


def test_constructors_keep_their_looks():
    class Holder:
        opener = open

    assert Holder().opener is open
    assert isinstance(functools.partial(open, "x").func, type(open))


def test_captured(capfd):
    print("hello")
    assert capfd.readouterr().out == "hello\n"


@pytest.mark.leak_check(False)
async def test_opted_out():
    LOG.kept = asyncio.create_task(asyncio.Event().wait())


@pytest.mark.leak_check(ignore=["*: task: *"])
async def test_ignored():
    LOG.kept = asyncio.create_task(asyncio.Event().wait())


class TestCase(unittest.IsolatedAsyncioTestCase):
    async def test_case(self):
        await asyncio.create_task(asyncio.to_thread(len, "hello"))
