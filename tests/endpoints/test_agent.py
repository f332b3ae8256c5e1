"""The agent's client calls the agent's routes."""

import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.endpoints.agent import AgentClient


@pytest.fixture
async def seen():
    """Requests that a server got, and a client of it."""
    requests = []

    async def answer(request):
        requests.append((request.method, request.raw_path, await request.read()))
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield requests, AgentClient(session, str(server.make_url("/")), "token")


async def test_sessions_are_made_and_read(seen):
    requests, api = seen
    await api.create({"user_id": "somebody"})
    await api.create()
    await api.session("an-id")
    await api.messages("an-id")
    await api.health()
    assert [(method, path) for method, path, _ in requests] == [
        ("POST", "/sessions"),
        ("POST", "/sessions"),
        ("GET", "/sessions/an-id"),
        ("GET", "/sessions/an-id/messages"),
        ("GET", "/health"),
    ]
    assert [json.loads(body) for _, _, body in requests[:2]] == [{"user_id": "somebody"}, {}]


@pytest.mark.parametrize(
    ("session", "segment"), [("../../etc", "..%2F..%2Fetc"), ("a b?c#d", "a%20b%3Fc%23d"), ("\0", "%00")]
)
async def test_an_id_is_one_segment_whatever_is_in_it(seen, session, segment):
    requests, api = seen
    await api.session(session)
    await api.messages(session)
    assert [path for _, path, _ in requests] == [f"/sessions/{segment}", f"/sessions/{segment}/messages"]


async def test_chats_are_the_gateways(seen):
    requests, api = seen
    await api.chat({"model": "m"})
    await api.models()
    assert [(method, path) for method, path, _ in requests] == [("POST", "/v1/chat/completions"), ("GET", "/v1/models")]
