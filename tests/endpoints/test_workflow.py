import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.endpoints.workflow import WorkflowClient


@pytest.fixture
async def seen():
    """Requests that a server got, and a client of it."""
    requests = []

    async def answer(request):
        requests.append((request.method, request.raw_path, request.headers, await request.read()))
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield requests, WorkflowClient(session, str(server.make_url("/")), "token")


async def test_a_request_for_a_plan_is_posted(seen):
    requests, api = seen
    answer = await api.create({"context": {}})
    ((method, path, headers, body),) = requests
    assert (method, path, headers["Authorization"]) == ("POST", "/training/plans", "Bearer token")
    assert json.loads(body) == {"context": {}}
    assert (answer.status, answer.error) == (200, None)


async def test_bytes_are_posted_as_they_are(seen):
    requests, api = seen
    await api.raw_create(b"not json")
    assert requests[0][2]["Content-Type"] == "application/json"
    assert requests[0][3] == b"not json"
