"""A scripted provider and a running backend, both in this event loop, over real TCP."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from harness.backend.accounts import Accounts
from harness.backend.serve import serve
from harness.backend.settings import Settings
from harness.backend.store import Store

SECRET = "a secret for tokens of at least 32 bytes"
OPENAI_KEY = "sk-test-0123456789abcdef"
GROQ_KEY = "gsk_test0123456789abcdef"
MODEL = "gpt-4o-mini"
WORDS = ("Hel", "lo, ", "wörld")
USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}


def chunk(delta=None, finish=None, **more):
    """A provider's chunk, with its own id, model and private fields."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish, "logprobs": None}
    head = {"id": "chatcmpl-theirs", "object": "chat.completion.chunk", "created": 1, "model": "theirs-2026"}
    return {**head, "obfuscation": "xyz", "choices": [choice], **more}


def completion(text="Hello", **more):
    """A provider's whole answer."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-theirs",
        "object": "chat.completion",
        "created": 1,
        "model": "theirs-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": USAGE,
        "x_groq": {"id": "req_1"},
        **more,
    }


def event(data):
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


DONE = event(b"[DONE]")
ROLE = event(chunk({"role": "assistant", "content": ""}))
PIECES = tuple(event(chunk({"content": word})) for word in WORDS)
FINISH = event(chunk({}, "stop"))
USED = event({**chunk(), "choices": [], "usage": USAGE})
HEALTHY = (ROLE, *PIECES, FINISH, USED, DONE)


@dataclass
class Provider:
    """Answers what its script says. ``gone`` is set when a caller leaves before the answer is complete."""

    url: str = ""
    script: object = None
    bodies: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request):
        self.bodies.append(json.loads(await request.read()))
        self.headers.append(request.headers)
        self.arrived.set()
        try:
            return await self.script(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.gone.set()
            raise

    def plain(self, body=None, status=200, headers=None, content_type="application/json"):
        """Answer in one piece; a body that is no bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(completion() if body is None else body).encode()

        async def script(_request):
            return web.Response(body=raw, status=status, headers={"content-type": content_type, **(headers or {})})

        self.script = script

    def stream(self, *events, then="end", content_type="text/event-stream"):
        """Answer with these events, then end, reset, stall, or wait for ``gate`` and send the healthy rest."""

        async def script(request):
            response = web.StreamResponse(headers={"content-type": content_type})
            await response.prepare(request)
            for one in events:
                await response.write(one)
            if then == "reset":
                request.transport.abort()
            if then == "stall":
                await asyncio.Event().wait()
            if then == "gate":
                await self.gate.wait()
                for one in HEALTHY[len(events) :]:
                    await response.write(one)
            return response

        self.script = script

    def hang(self):
        """Never answer."""

        async def script(_request):
            await asyncio.Event().wait()

        self.script = script


@pytest.fixture
async def provider():
    """A provider that is well unless a test says otherwise."""
    one = Provider()
    one.plain()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", one.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield one
    await runner.cleanup()


@dataclass
class Someone:
    """A user of the backend."""

    id: str
    token: str

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}


class Backend:
    """A running backend and a client of it."""

    def __init__(self, addresses, session, stop, end):
        self.url = addresses["gateway"]
        self.probe_url = addresses["probe"]
        self.session = session
        self._stop = stop
        self.stop = end

    def stopping(self):
        """Tell it to stop, and do not wait."""
        self._stop.set()

    async def user(self, credits=1_000, tier="pro"):
        body = {"credits": credits, "tier": tier, "role": "user"}
        async with self.session.post(f"{self.probe_url}/users", json=body) as response:
            made = await response.json()
            assert response.status == 201, made
        return Someone(made["user_id"], made["token"])

    def open(self, user, **fields):
        """A call under way, as aiohttp's context manager."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello"}], **fields}
        body = {name: value for name, value in body.items() if value is not ...}
        return self.session.post(f"{self.url}/v1/chat/completions", json=body, headers=user.headers if user else {})

    async def chat(self, user, **fields):
        """(status, headers, decoded JSON or raw bytes of a stream) of a call."""
        async with self.open(user, **fields) as response:
            raw = await response.read()
            stream = response.headers["content-type"].startswith("text/event-stream")
            return response.status, response.headers, raw if stream else json.loads(raw)

    async def raw(self, user, data, headers=None, **options):
        """The same for a body of bytes."""
        url, sent = f"{self.url}/v1/chat/completions", user.headers | (headers or {})
        async with self.session.post(url, data=data, headers=sent, **options) as response:
            return response.status, response.headers, await response.json()

    async def ask(self, path, **params):
        async with self.session.get(f"{self.probe_url}{path}", params=params) as response:
            return await response.json()

    async def ledger(self, user):
        found = await self.ask("/ledger", user=user.id, wait_s="10")
        assert found["settled"]
        return found

    async def kinds(self, user):
        """The ledger's entries but the grant, as (kind, amount)."""
        return [(e["kind"], e["amount"]) for e in (await self.ledger(user))["entries"] if e["kind"] != "grant"]

    async def log(self, user):
        return [json.loads(line) for line in (await self.ask("/log", user=user.id))["lines"]]

    async def resources(self):
        return await self.ask("/resources", wait_s="10")


@pytest.fixture
async def served():
    """Serves backends: ``await served(settings, systems=..., defect=...)`` is (addresses, session, stop, end).

    ``session`` calls any of them, ``stop`` is the event that tells this one to stop, ``await end()`` sees it stop.
    """
    async with AsyncExitStack() as ending:
        session = await ending.enter_async_context(aiohttp.ClientSession())

        async def begin(settings, **options):
            stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
            task = asyncio.create_task(serve(settings, ready=ready.set_result, stop=stop, **options))

            async def end():
                stop.set()
                await task

            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            ending.push_async_callback(end)
            return ready.result(), session, stop, end

        yield begin


@pytest.fixture
def start(provider, served):
    """Starts backends whose providers are all ``provider``; keyword arguments are settings, or ``defect``."""

    async def begin(defect=None, **changes):
        base = {
            "OPENAI_API_KEY": OPENAI_KEY,
            "GROQ_API_KEY": GROQ_KEY,
            "OPENAI_API_URL": provider.url,
            "GROQ_API_URL": provider.url,
            "JWT_SECRET": SECRET,
            "LOG_STREAM": "none",
            "TIMEOUT_DRAIN_S": "4",
        }
        mapping = {name: value for name, value in {**base, **changes}.items() if value is not None}
        return Backend(*await served(Settings.from_mapping(mapping), defect=defect))

    return begin


@pytest.fixture
async def backend(start):
    """A backend as it should be."""
    return await start()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite3"
    return request.getfixturevalue("postgres").database()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_address(request, tmp_path_factory):
    """The same, but one for all tests and examples that ask."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('shared')}/store.sqlite3"
    return request.getfixturevalue("postgres").database()


@pytest.fixture
async def store(address):
    """A store of its own, in each kind of database."""
    one = await Store.open(address)
    yield one
    await one.close()


@pytest.fixture
def accounts(store):
    return Accounts(store)


@pytest.fixture
def sse():
    """Decodes a stream: the events' data, JSON decoded, ``[DONE]`` as it is."""

    def decode(raw):
        events = [one.removeprefix(b"data: ") for one in raw.split(b"\n\n") if one]
        return ["[DONE]" if one == b"[DONE]" else json.loads(one) for one in events]

    return decode


@pytest.fixture
def parts():
    """The pieces that providers' answers are made of, by name."""
    return {
        "chunk": chunk,
        "completion": completion,
        "event": event,
        "healthy": HEALTHY,
        "role": ROLE,
        "pieces": PIECES,
        "finish": FINISH,
        "used": USED,
        "done": DONE,
        "words": WORDS,
        "usage": USAGE,
        "openai_key": OPENAI_KEY,
        "groq_key": GROQ_KEY,
        "secret": SECRET,
    }
