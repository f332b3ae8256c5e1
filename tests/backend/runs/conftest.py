"""A provider that answers what a test tells it to, and the backend in front of it, both on this event loop."""

import asyncio
import json
import secrets
from copy import deepcopy
from dataclasses import dataclass, field

import jwt
import pytest
from aiohttp import web

from harness.backend.configuration import Configuration

KEY = "gsk_" + "a1B2" * 8
SECRET = "s" * 40
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "The sea."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6},
}


@dataclass
class FakeProvider:
    """Groq's part. ``status``, ``body`` and ``content_type`` are of the next answers; ``gate`` holds them back."""

    status: int = 200
    body: object = field(default_factory=lambda: deepcopy(COMPLETION))
    content_type: str = "application/json"
    raw: bytes | None = None
    reset: bool = False
    torn: bool = False
    stalls: bool = False
    never: asyncio.Event = field(default_factory=asyncio.Event)
    models_status: int = 200
    url: str = ""
    gate: asyncio.Event | None = None
    seen: list = field(default_factory=list)
    models_seen: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def chat(self, request):
        self.seen.append({"headers": dict(request.headers), "body": await request.json()})
        self.arrived.set()
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.left.set()
                raise
        if self.reset:
            request.transport.abort()
        body = json.dumps(self.body).encode() if self.raw is None else self.raw
        if self.torn or self.stalls:
            return await self.half(request, body)
        return web.Response(status=self.status, body=body, headers={"Content-Type": self.content_type})

    async def half(self, request, body):
        """The first half of an answer, then a reset or nothing."""
        response = web.StreamResponse(headers={"Content-Type": self.content_type, "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        if self.torn:
            request.transport.abort()
        await self.never.wait()
        return response

    async def models(self, _request):
        self.models_seen += 1
        if self.gate is not None:
            await self.gate.wait()
        return web.json_response({"object": "list", "data": []}, status=self.models_status)

    def fails(self, status, message="no", **more):
        self.status, self.body = status, {"error": {"message": message, **more}}

    @property
    def asked(self):
        return self.seen[-1]["body"]


@dataclass
class User:
    id: str
    token: str
    project: str

    @property
    def auth(self):
        return {"Authorization": f"Bearer {self.token}"}


class Backend:
    """A running backend as its clients and its probe see it."""

    def __init__(self, addresses, session, stop, end):
        self.addresses = addresses
        self.session = session
        self.stop = stop
        self.end = end

    @property
    def url(self):
        return self.addresses["runs"]

    async def probe(self, method, path, **options):
        async with self.session.request(method, self.addresses["probe"] + path, **options) as response:
            return response.status, await response.json()

    async def user(self, credits=10):
        _, made = await self.probe("POST", "/users", json={"credits": credits})
        _, project = await self.probe("POST", "/projects", json={"user_id": made["user_id"]})
        return User(made["user_id"], made["token"], project["project_id"])

    async def run(self, user, body=None, *, project=None, data=None, headers=None):
        """Status and decoded body of one run."""
        options = {"data": data} if data is not None else {"json": body if body is not None else {"input": "Hello"}}
        url = f"{self.url}/api/projects/{user.project if project is None else project}/runs"
        async with self.session.post(url, headers=user.auth if headers is None else headers, **options) as response:
            return response.status, json.loads(await response.text())

    async def health(self):
        async with self.session.get(f"{self.url}/api/health") as response:
            return response.status, await response.json()

    async def ledger(self, user):
        return (await self.probe("GET", "/ledger", params={"user": user.id}))[1]

    async def kinds(self, user):
        return [entry["kind"] for entry in (await self.ledger(user))["entries"]]

    async def log(self, user, event=None):
        lines = [json.loads(line) for line in (await self.probe("GET", "/log", params={"user": user.id}))[1]["lines"]]
        return [line for line in lines if event in (None, line["event"])]

    def token(self, user, **claims):
        payload = {"sub": user.id, "role": "user", "exp": 4_000_000_000, **claims}
        return jwt.encode(payload, SECRET, algorithm="HS256")


@pytest.fixture
async def provider():
    """The provider, on a port of its own."""
    fake = FakeProvider()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/openai/v1/chat/completions", fake.chat)
    app.router.add_get("/openai/v1/models", fake.models)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/openai/v1"
    fake.stop = runner.cleanup
    yield fake
    await runner.cleanup()


@pytest.fixture
def start(provider, served):
    """Starts backends: ``await start(defect=None, systems=("runs",), NAME="value")``."""

    async def started(defect=None, systems=("runs",), **environment):
        base = {"GROQ_API_KEY": KEY, "GROQ_API_URL": provider.url, "JWT_SECRET": SECRET, "LOG_STREAM": "none"}
        limits = {"TIMEOUT_WHOLE_CALL_S": "5", "HEALTH_FRESH_S": "0.000001"}
        given = {name: value for name, value in {**base, **limits, **environment}.items() if value is not None}
        return Backend(*await served(Configuration().settings(given), systems=systems, defect=defect))

    return started


@pytest.fixture
async def backend(start):
    """A backend with nothing wrong."""
    return await start()


@pytest.fixture
async def user(backend):
    """A user of it with ten credits and a project."""
    return await backend.user()


@pytest.fixture
def key():
    """The backend's key at the provider."""
    return KEY


@pytest.fixture
def unknown_id():
    """An id that nothing has."""
    return f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}"
