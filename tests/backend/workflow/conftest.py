"""A ChatKit that answers what a test tells it to, and the backend in front of it, both on this event loop."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from harness.backend.configuration import Configuration

OPENAI_KEY = "sk-" + "a1B2" * 8
WORKFLOW = "wf_1"
PROGRAMME = {"title": "Ünï 海", "sessions": [{"day": 1}]}
ASKED = {"user_profile": {"age": 41}, "questionnaires": [{"id": "goals"}], "context": {"language": "en"}}
CREATE, SEND, LIST = "create", "send", "list"


def message(text, role="assistant", kind="output_text"):
    return {"id": "msg_1", "role": role, "content": [{"type": kind, "text": text}]}


def answer(programme=PROGRAMME, **more):
    return message(json.dumps({"client_training_program_enriched": programme}), **more)


@dataclass
class FakeChatKit:
    """ChatKit's part. ``polls`` are the messages that each poll finds, the last one again and again.

    ``fails`` makes a step answer a status, ``raw`` a step answer these bytes; ``gate`` holds the answers to ``held``.
    """

    polls: list = field(default_factory=lambda: [[], [answer()]])
    session: object = "cksess_1"
    failing: dict = field(default_factory=dict)
    raw: dict = field(default_factory=dict)
    content_type: str = "application/json"
    content_types: dict = field(default_factory=dict)
    reset: str = ""
    held: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list = field(default_factory=list)
    url: str = ""

    def fails(self, step, status, message="no", headers=None, **more):
        self.failing[step] = (status, {"error": {"message": message, **more}}, headers or {})

    async def create(self, request):
        return await self.answer(request, CREATE, {"id": self.session, "object": "chatkit.session"})

    async def send(self, request):
        return await self.answer(request, SEND, {"id": "msg_0", "role": "user", "content": []})

    async def list(self, request):
        number = min(self.count(LIST), len(self.polls) - 1)
        return await self.answer(request, LIST, {"object": "list", "data": self.polls[number]})

    async def answer(self, request, step, document):
        body = await request.read()
        self.seen.append((step, request.raw_path, request.headers, json.loads(body) if body else None))
        if step == self.held:
            self.arrived.set()
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.left.set()
                raise
        if step == self.reset:
            request.transport.abort()
        if step in self.failing:
            status, document, headers = self.failing[step]
            return web.json_response(document, status=status, headers=headers)
        raw = self.raw.get(step, json.dumps(document).encode())
        return web.Response(body=raw, headers={"Content-Type": self.content_types.get(step, self.content_type)})

    def count(self, step):
        """How many requests of a step have come."""
        return sum(one[0] == step for one in self.seen)

    @property
    def steps(self):
        return [one[0] for one in self.seen]


@dataclass
class User:
    id: str
    token: str

    @property
    def auth(self):
        return {"Authorization": f"Bearer {self.token}"}


class Backend:
    """A running backend as its clients and its probe see it."""

    def __init__(self, addresses, session, stop, end):
        self.url = addresses["workflow"]
        self.addresses = addresses
        self.session = session
        self.stop = stop
        self.end = end

    async def probe(self, method, path, **options):
        async with self.session.request(method, self.addresses["probe"] + path, **options) as response:
            return response.status, await response.json()

    async def user(self, credits=10):
        _, made = await self.probe("POST", "/users", json={"credits": credits})
        return User(made["user_id"], made["token"])

    async def plan(self, user, body=None, *, data=None, headers=None):
        """Status and decoded body of one plan."""
        return (await self.whole(user, body, data=data, headers=headers))[:2]

    async def whole(self, user, body=None, *, data=None, headers=None):
        """Status, decoded body and header fields."""
        options = {"data": data} if data is not None else {"json": ASKED if body is None else body}
        sent = user.auth if headers is None else headers
        async with self.session.post(f"{self.url}/training/plans", headers=sent, **options) as response:
            return response.status, json.loads(await response.text()), response.headers

    async def ledger(self, user):
        return (await self.probe("GET", "/ledger", params={"user": user.id}))[1]

    async def kinds(self, user):
        return [entry["kind"] for entry in (await self.ledger(user))["entries"]]

    async def log(self, user, event):
        lines = [json.loads(line) for line in (await self.probe("GET", "/log", params={"user": user.id}))[1]["lines"]]
        return [line for line in lines if line["event"] == event]


@pytest.fixture
async def provider():
    """ChatKit, on a port of its own."""
    fake = FakeChatKit()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/chatkit/sessions", fake.create)
    app.router.add_post("/v1/chatkit/sessions/{id}/messages", fake.send)
    app.router.add_get("/v1/chatkit/sessions/{id}/messages", fake.list)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    fake.stop = runner.cleanup
    yield fake
    await runner.cleanup()


@pytest.fixture
def start(provider, served):
    """Starts backends: ``await start(defect=None, NAME="value")``; None takes a setting away."""

    async def started(defect=None, **environment):
        base = {
            "OPENAI_API_KEY": OPENAI_KEY,
            "EDN360_TRAINING_WORKFLOW_ID": WORKFLOW,
            "CHATKIT_API_URL": provider.url,
            "JWT_SECRET": "s" * 40,
            "LOG_STREAM": "none",
            "CLOCK": "skipping",
            "TIMEOUT_WHOLE_CALL_S": "5",
        }
        given = {name: value for name, value in {**base, **environment}.items() if value is not None}
        return Backend(*await served(Configuration().settings(given), systems=("workflow",), defect=defect))

    return started


@pytest.fixture
async def backend(start):
    """A backend with nothing wrong."""
    return await start()


@pytest.fixture
async def user(backend):
    """A user of it with ten credits."""
    return await backend.user()


@pytest.fixture
def key():
    """The backend's key at the provider."""
    return OPENAI_KEY


@pytest.fixture
def asked():
    """A request for a plan."""
    return ASKED


@pytest.fixture
def programme():
    """What the provider's usual answer holds."""
    return PROGRAMME


@pytest.fixture
def said():
    """Makes a message of the assistant's: ``said(text, role=, kind=)``."""
    return message


@pytest.fixture
def answered():
    """Makes an answer of the assistant's with a programme: ``answered(programme)``."""
    return answer
