"""A simulated Bedrock, chat and its accounting, all on this event loop, over real TCP."""

import json

import pytest
from aiohttp import web

from harness.backend.configuration import Configuration
from harness.core.case import tie_text
from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.framing import sse
from harness.servers.gate import Gate
from harness.servers.script import Script
from harness.servers.simulator import Simulator

SECRET = "s" * 40
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA-test-0123456789", "AWS_SECRET_ACCESS_KEY": "secret-test-0123456789"}
TOKEN = "0123456789"
MODEL = "amazon.nova-lite-v1:0"


class Bedrock:
    """The provider: every request of a test is answered by one script."""

    def __init__(self, simulator):
        self.url = simulator.base_url(Provider.BEDROCK)
        self.script = Script()
        simulator.script(TOKEN, self.script)

    def fails(self, fault):
        self.script.fault = FAULTS[fault]

    def gate(self, point):
        self.script.gates[point] = gate = Gate()
        return gate

    def count(self):
        return self.script.count(f"{TOKEN}.1")

    async def ended(self):
        return await self.script.ended(f"{TOKEN}.1")


@pytest.fixture
async def bedrock():
    async with Simulator([Provider.BEDROCK]) as simulator:
        provider = Bedrock(simulator)
        yield provider
        for gate in provider.script.gates.values():
            gate.open()


class Someone:
    """A user, as whom the backend is called."""

    def __init__(self, backend, id, token):
        self.id = id
        self._backend = backend
        self.headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method, path, *, service="chat", **options):
        """Status and JSON (None where there is none) of a call."""
        url = self._backend.addresses[service] + path
        async with self._backend.http.request(method, url, headers=self.headers, **options) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None

    async def session(self):
        status, body = await self.call("POST", "/chat/sessions")
        assert status == 201
        return body["sessionId"]

    def open(self, session, **fields):
        """A stream under way, as aiohttp's context manager. A field that is ... is left out."""
        body = {"message": f"Hello {tie_text(TOKEN, 1)}", "modelId": MODEL, **fields}
        body = {name: value for name, value in body.items() if value is not ...}
        url = f"{self._backend.addresses['chat']}/chat/sessions/{session}/stream"
        return self._backend.http.post(url, json=body, headers=self.headers)

    async def stream(self, session, **fields):
        """Status, and the events as (name, data) or the refusal's body."""
        async with self.open(session, **fields) as response:
            return response.status, decoded(response, await response.read())

    def observe(self, session):
        url = f"{self._backend.addresses['chat']}/chat/sessions/{session}/observe"
        return self._backend.http.get(url, headers=self.headers)

    async def account(self):
        """Balance, and the ledger's entries but the grant as (kind, amount), once nothing is in flight."""
        found = await self._backend.ask("/ledger", user=self.id, wait_s="10")
        assert found["settled"]
        entries = [(one["kind"], one["amount"]) for one in found["entries"] if one["kind"] != "grant"]
        return found["balance"], entries

    async def log(self, event):
        lines = map(json.loads, (await self._backend.ask("/log", user=self.id, wait_s="10"))["lines"])
        return [line for line in lines if line["event"] == event]


def decoded(response, raw):
    if response.content_type != "text/event-stream":
        return json.loads(raw)
    return [(event.type, json.loads(event.data)) for event in sse.decode(raw).events]


class Backend:
    """A running backend."""

    def __init__(self, addresses, http, stop, end):
        self.addresses = addresses
        self.http = http
        self._stop = stop
        self.stop = end

    async def ask(self, path, **params):
        async with self.http.get(self.addresses["probe"] + path, params=params) as response:
            return await response.json()

    async def user(self, credits=10_000, role="user"):
        body = {"credits": credits, "role": role}
        async with self.http.post(f"{self.addresses['probe']}/users", json=body) as response:
            made = await response.json()
        return Someone(self, made["user_id"], made["token"])

    def stopping(self):
        self._stop.set()


@pytest.fixture
def start(bedrock, served):
    """Starts backends: ``await start(defect=None, NAME="value")``."""

    async def begin(defect=None, **changes):
        limits = {"TIMEOUT_FIRST_BYTE_S": "10", "TIMEOUT_BETWEEN_SEGMENTS_S": "10", "TIMEOUT_DRAIN_S": "1"}
        base = {**KEYS, **limits, "BEDROCK_URL": bedrock.url, "JWT_SECRET": SECRET, "LOG_STREAM": "none"}
        settings = Configuration().settings({k: v for k, v in {**base, **changes}.items() if v is not None})
        return Backend(*await served(settings, systems=("chat",), defect=defect))

    return begin


@pytest.fixture
async def backend(start):
    """A backend with nothing wrong."""
    return await start()


@pytest.fixture
async def user(backend):
    return await backend.user()


@pytest.fixture
async def supervisor(backend):
    return await backend.user(role="supervisor")


@pytest.fixture
def events():
    """Decodes a stream's bytes: the events as (name, data)."""
    return lambda raw: [(event.type, json.loads(event.data)) for event in sse.decode(raw).events]


class Accounting:
    """In accounting's place: answers what it was told to."""

    def __init__(self, answers):
        self.asked = []
        self._answers = answers

    async def handle(self, request):
        step = request.path.rpartition("/")[2]
        self.asked.append((step, await request.json(), request.headers.get("Authorization")))
        answer = self._answers.get(step, (200, {"allowed": True, "creditsUsed": 3}))
        if answer is None:
            request.transport.abort()
            return web.Response()
        status, body = answer
        return web.Response(body=body if isinstance(body, bytes) else json.dumps(body).encode(), status=status)


@pytest.fixture
async def accounting():
    """Starts one: ``await accounting(step=(status, body))``, None for no answer; gives it and its address."""
    runners = []

    async def begin(**answers):
        one, app = Accounting(answers), web.Application()
        app.router.add_post("/{tail:.*}", one.handle)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return one, f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield begin
    for runner in runners:
        await runner.cleanup()
