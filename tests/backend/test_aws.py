"""The client of Amazon Bedrock's runtime: what it sends, and how long it waits."""

import asyncio

import pytest
from aiohttp import web
from botocore.loaders import JSONFileLoader

from harness.backend.clients import ProviderClients
from harness.backend.clock import Clock
from harness.backend.failure import Kind, UpstreamError
from harness.backend.google import GoogleTokens
from harness.backend.providers import configured
from harness.backend.settings import Settings
from harness.backend.upstream import Upstream

BODY = {"model": "amazon.nova-micro-v1:0", "messages": [{"role": "user", "content": "Hello"}]}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "secret-1", "TIMEOUT_CONNECT_S": "2"}
ANSWER = (
    b'{"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn",'
    b' "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}'
)
FOR_EVER_S = "30"
LATER_S = 2.0


class Runtime:
    """Answers once the gates of the head, and of the body, are open."""

    def __init__(self):
        self.url = ""
        self.headers = None
        self.head, self.body = asyncio.Event(), asyncio.Event()
        self.head.set()
        self.body.set()

    async def handle(self, request):
        self.headers = request.headers
        await self.head.wait()
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        await response.write(ANSWER[:40])
        asyncio.get_running_loop().call_later(LATER_S, self.body.set)
        await self.body.wait()
        await response.write(ANSWER[40:])
        return response


@pytest.fixture
async def runtime():
    one, app = Runtime(), web.Application()
    app.router.add_post("/{path:.*}", one.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield one
    await runner.cleanup()


@pytest.fixture
async def ask(runtime):
    """Asks for a whole answer within these limits."""
    made = []

    async def asked(**limits):
        settings = Settings.from_mapping({**KEYS, "BEDROCK_URL": runtime.url, **limits})
        made.append(ProviderClients(settings))
        upstream = Upstream(made[-1], GoogleTokens(settings, Clock(), made[-1]))
        answer = await upstream.complete(configured(settings)["bedrock"], BODY)
        return answer["choices"][0]["message"]["content"]

    yield asked
    for one in made:
        await one.close()


async def test_requests_are_signed_whatever_the_environment_holds(runtime, ask, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "somebody-elses-token")
    assert await ask() == "Hi"
    assert runtime.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA1/")


async def test_the_head_of_a_whole_answer_has_the_limit_of_the_first_byte(runtime, ask):
    runtime.head.clear()
    with pytest.raises(UpstreamError) as late:
        await asyncio.wait_for(ask(TIMEOUT_FIRST_BYTE_S="0.2", TIMEOUT_BETWEEN_SEGMENTS_S=FOR_EVER_S), 10)
    assert late.value.kind is Kind.TIMEOUT


async def test_its_body_has_not(runtime, ask):
    runtime.body.clear()
    assert await ask(TIMEOUT_FIRST_BYTE_S=str(LATER_S / 2), TIMEOUT_BETWEEN_SEGMENTS_S=FOR_EVER_S) == "Hi"


async def test_what_the_library_knows_of_the_service_is_read_once_a_process(ask, monkeypatch):
    assert await ask() == "Hi"
    read = []
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda self, path: read.append(path))
    assert await ask() == "Hi"
    assert read == []
