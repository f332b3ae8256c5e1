"""The clients of chat and of its accounting call what the tables say, whatever is in an id."""

import aiohttp
import pytest
from aiohttp import web

from harness.endpoints.accounting import AccountingClient
from harness.endpoints.chat import ChatClient

ODD = "../é {0}"
QUOTED = "..%2F%C3%A9%20%7B0%7D"


@pytest.fixture
async def server():
    """Says what it was asked; gives its address and what that was."""
    asked = []

    async def answer(request):
        asked.append((request.method, request.raw_path, await request.text(), request.headers.get("Authorization")))
        return web.Response(text="event: done\ndata: {}\n\n")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


async def test_chat_is_called_as_its_routes_say(server):
    url, asked = server
    async with aiohttp.ClientSession() as session:
        api = ChatClient(session, url, "token")
        await api.models()
        await api.create()
        await api.stream(ODD, {"message": "x"})
        await api.raw_stream(ODD, b"y")
        await api.observe(ODD)
        await api.delete(ODD)
        async with api.open_stream("1", {}) as live:
            assert await live.read_all() == b"event: done\ndata: {}\n\n"
        async with api.open_observation("1") as live:
            assert live.response.status == 200
    base = f"/chat/sessions/{QUOTED}"
    assert [(method, path, body) for method, path, body, _ in asked] == [
        ("GET", "/models", ""),
        ("POST", "/chat/sessions", "{}"),
        ("POST", f"{base}/stream", '{"message": "x"}'),
        ("POST", f"{base}/stream", "y"),
        ("GET", f"{base}/observe", ""),
        ("DELETE", base, ""),
        ("POST", "/chat/sessions/1/stream", "{}"),
        ("GET", "/chat/sessions/1/observe", ""),
    ]
    assert {token for _, _, _, token in asked} == {"Bearer token"}


async def test_accounting_is_called_as_its_routes_say(server):
    url, asked = server
    async with aiohttp.ClientSession() as session:
        api = AccountingClient(session, url, None)
        await api.check({})
        await api.initialize({})
        await api.finalize(ODD, {"actualTokens": 1})
        await api.abort(ODD, {"tokensDelivered": 0})
    assert [(method, path, body) for method, path, body, _ in asked] == [
        ("POST", "/credits/check", "{}"),
        ("POST", "/streaming-sessions/initialize", "{}"),
        ("POST", f"/streaming-sessions/{QUOTED}/finalize", '{"actualTokens": 1}'),
        ("POST", f"/streaming-sessions/{QUOTED}/abort", '{"tokensDelivered": 0}'),
    ]
