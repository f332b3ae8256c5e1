import json
import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.endpoints.http import AT_ONCE_BYTES, SMALL_BYTES, small_socket
from harness.endpoints.runs import RunsClient


@pytest.fixture
async def seen():
    """Requests that a server got, and the server's address."""
    requests = []

    async def answer(request):
        requests.append((request.method, request.raw_path, request.headers, await request.read()))
        return web.json_response({"ok": True})

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield requests, RunsClient(session, str(server.make_url("/")), "token")


async def test_a_run_is_posted_to_its_project(seen):
    requests, api = seen
    answer = await api.create("a-project", {"input": "Hello"})
    ((method, path, headers, body),) = requests
    assert (method, path) == ("POST", "/api/projects/a-project/runs")
    assert headers["Authorization"] == "Bearer token"
    assert json.loads(body) == {"input": "Hello"}
    assert (answer.status, answer.error) == (200, None)


@pytest.mark.parametrize(
    ("project", "segment"),
    [("../../etc", "..%2F..%2Fetc"), ("a b?c#d", "a%20b%3Fc%23d"), ("\0", "%00"), ("100%", "100%25")],
)
async def test_an_id_stays_one_segment_whatever_is_in_it(seen, project, segment):
    requests, api = seen
    await api.raw_create(project, b"not json")
    assert requests[0][1] == f"/api/projects/{segment}/runs"
    assert requests[0][2]["Content-Type"] == "application/json"


async def test_health_is_asked_for_by_its_path(seen):
    requests, api = seen
    await api.health()
    assert requests[0][:2] == ("GET", "/api/health")


@pytest.mark.parametrize("size", [AT_ONCE_BYTES, 3 * AT_ONCE_BYTES])
async def test_a_body_arrives_whole_however_it_is_sent(seen, size):
    requests, api = seen
    await api.raw_create("p", b"x" * size)
    assert len(requests[0][3]) == size
    assert requests[0][2]["Content-Length"] == str(size)


async def test_a_small_socket_holds_up_who_sends_to_it():
    address = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 1))
    with small_socket(address) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 4 * SMALL_BYTES
