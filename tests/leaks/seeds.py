"""Eleven leaks, some in two ways, each beside a twin that cleans up. Run by ``test_seeds.py``, in a process of its own.

A line that leaks ends in ``# leaks a <kind>``: the failure of its test must name that line and that kind, and nothing
else. ``KEPT`` stands for whatever keeps a thing alive: a cache, a global, an application.
"""

import asyncio
import contextlib
import socket
import threading

import aiohttp
import pytest

pytestmark = pytest.mark.leak_check

KEPT = []
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


async def stream_and_stall(reader, writer):
    """Answer with a head and one chunk; end when the client goes away."""
    with contextlib.closing(writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        await reader.read()


async def stand_by(reader, writer):
    with contextlib.closing(writer):
        await reader.read()


@pytest.fixture
async def url():
    async with await asyncio.start_server(stream_and_stall, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/"


@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()


@pytest.fixture(scope="module")
def release():
    event = threading.Event()
    yield event
    event.set()


async def numbers():
    for number in range(3):
        yield number


async def test_session_leaks():
    KEPT.append(aiohttp.ClientSession())  # leaks a session


async def test_session_dropped_leaks(url):
    session = aiohttp.ClientSession()  # leaks a session
    async with session.get(url) as response:
        await response.content.readany()


async def test_session_clean(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await response.content.readany()


async def test_connector_leaks():
    KEPT.append(aiohttp.TCPConnector())  # leaks a connector


async def test_connector_clean():
    connector = aiohttp.TCPConnector()
    KEPT.append(connector)
    await connector.close()


async def test_unowned_connector_leaks(url):
    connector = aiohttp.TCPConnector()  # leaks a connector
    KEPT.append(connector)
    async with (
        aiohttp.ClientSession(connector=connector, connector_owner=False) as session,
        session.get(url) as response,
    ):
        await response.content.readany()


async def test_unowned_connector_clean(url):
    async with (
        aiohttp.TCPConnector() as connector,
        aiohttp.ClientSession(connector=connector, connector_owner=False) as session,
        session.get(url) as response,
    ):
        await response.content.readany()


async def test_response_leaks(url):
    async with aiohttp.ClientSession() as session:
        response = await session.get(url)  # leaks a response
        assert response.status == 200


async def test_response_clean(url):
    async with aiohttp.ClientSession() as session:
        response = await session.get(url)
        assert response.status == 200
        response.release()


async def test_half_read_stream_leaks(url):
    async with aiohttp.ClientSession() as session:
        response = await session.get(url)  # leaks a response
        KEPT.append(response)
        assert await response.content.readany() == b"hello"


async def test_half_read_stream_clean(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        KEPT.append(response)
        assert await response.content.readany() == b"hello"


async def work_off(jobs):
    while True:
        await jobs.get()
        jobs.task_done()


async def test_running_task_leaks():
    jobs = asyncio.Queue()
    KEPT.append(asyncio.create_task(work_off(jobs)))  # leaks a task
    jobs.put_nowait("job")
    await jobs.join()


async def test_running_task_clean():
    jobs = asyncio.Queue()
    task = asyncio.create_task(work_off(jobs))
    jobs.put_nowait("job")
    await jobs.join()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_waiting_task_leaks():
    never = asyncio.Event()
    task = asyncio.ensure_future(never.wait())  # leaks a task
    assert not task.done()


async def test_waiting_task_clean():
    sometime = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(sometime.wait())
        sometime.set()


def test_thread_leaks(release):
    threading.Thread(target=release.wait, daemon=True).start()  # leaks a thread


def test_thread_clean():
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    event.set()
    thread.join()


def test_socket_leaks():
    sock = socket.socket()  # leaks a socket
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    KEPT.append(sock)


def test_socket_dropped_leaks():
    sock = socket.socket()  # leaks a socket
    sock.bind(("127.0.0.1", 0))


def test_socket_clean():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))


async def test_stream_leaks(listener):
    KEPT.append(await asyncio.open_connection(*listener))  # leaks a socket


async def test_stream_clean(listener):
    _, writer = await asyncio.open_connection(*listener)
    writer.close()
    await writer.wait_closed()


def test_file_leaks(tmp_path):
    KEPT.append((tmp_path / "log").open("w"))  # leaks a file


def test_file_clean(tmp_path):
    with (tmp_path / "log").open("w") as file:
        KEPT.append(file)


async def test_generator_leaks():
    items = numbers()
    KEPT.append(items)
    assert await anext(items) == 0  # leaks an async generator


async def test_generator_dropped_leaks():
    async for number in numbers():  # leaks an async generator
        assert number == 0
        break


async def test_generator_clean():
    async with contextlib.aclosing(numbers()) as items:
        assert await anext(items) == 0


async def test_server_leaks():
    await asyncio.start_server(stand_by, "127.0.0.1", 0)  # leaks a server


async def test_server_clean():
    async with await asyncio.start_server(stand_by, "127.0.0.1", 0):
        pass


def test_event_loop_leaks():
    KEPT.append(asyncio.new_event_loop())  # leaks an event loop


def test_event_loop_clean():
    loop = asyncio.new_event_loop()
    loop.close()
