"""The agent in front of a provider that a test scripts. What Anthropic's own protocol looks like is tested elsewhere:
here the provider speaks OpenAI's, which needs no translation."""

import asyncio
import json
from contextlib import AsyncExitStack

import aiohttp
import pytest

from harness.backend import providers
from harness.backend.providers import Provider
from harness.backend.serve import serve
from harness.backend.settings import Settings

KEY = "sk-ant-0123456789abcdef"
SECRET = "a secret for tokens of at least 32 bytes"


class User:
    def __init__(self, made):
        self.id, self.token = made["user_id"], made["token"]

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}


class Agent:
    """A running agent as its clients and its probe see it."""

    def __init__(self, addresses, session):
        self.url, self.probe_url = addresses["agent"], addresses["probe"]
        self.session = session

    async def probe(self, method, path, **options):
        async with self.session.request(method, self.probe_url + path, **options) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def user(self, credits=1_000):
        return User(await self.probe("POST", "/users", json={"credits": credits}))

    async def call(self, method, path, user=None, **options):
        """(status, headers, JSON or the raw bytes of a stream)."""
        headers = {**(user.headers if user else {}), **options.pop("headers", {})}
        async with self.session.request(method, self.url + path, headers=headers, **options) as response:
            raw = await response.read()
            stream = response.headers["content-type"].startswith("text/event-stream")
            return response.status, response.headers, raw if stream else json.loads(raw)

    async def chat(self, user, words="Hello", **fields):
        body = {"model": "claude-sonnet-4", "messages": [{"role": "user", "content": words}], **fields}
        return await self.call("POST", "/v1/chat/completions", user, json=body)

    async def create(self, user, **fields):
        return await self.call("POST", "/sessions", user, json=fields)

    async def show(self, user, session_id):
        return await self.call("GET", f"/sessions/{session_id}", user)

    async def messages(self, user, session_id):
        return await self.call("GET", f"/sessions/{session_id}/messages", user)

    async def said(self, user, session_id):
        _, _, body = await self.messages(user, session_id)
        return [(one["role"], one["content"]) for one in body["messages"]]

    async def ledger(self, user):
        return await self.probe("GET", "/ledger", params={"user": user.id})

    async def kinds(self, user):
        return [entry["kind"] for entry in (await self.ledger(user))["entries"]]

    async def log(self, user):
        return [json.loads(line) for line in (await self.probe("GET", "/log", params={"user": user.id}))["lines"]]

    async def advance(self, seconds):
        await self.probe("POST", "/clock", json={"advance_s": seconds})


@pytest.fixture
def known(provider, monkeypatch):
    """Where the providers are; they all speak OpenAI's protocol."""
    found = {"anthropic": Provider("anthropic", provider.url, KEY), "vertex": Provider("vertex", provider.url, KEY)}
    monkeypatch.setattr(providers, "configured", lambda settings: found)
    return found


@pytest.fixture
async def begin(known):
    """Starts agents; keyword arguments are settings, or ``defect``."""
    async with AsyncExitStack() as ending:
        session = await ending.enter_async_context(aiohttp.ClientSession())

        async def begun(defect=None, **changes):
            base = {"ANTHROPIC_API_KEY": KEY, "JWT_SECRET": SECRET, "LOG_STREAM": "none", "CLOCK": "skipping"}
            base["HEALTH_FRESH_S"] = "0.000001"
            mapping = {name: value for name, value in {**base, **changes}.items() if value is not None}
            stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
            serving = serve(
                Settings.from_mapping(mapping), systems=("agent",), defect=defect, ready=ready.set_result, stop=stop
            )
            task = asyncio.create_task(serving)
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()

            async def end():
                stop.set()
                await task

            ending.push_async_callback(end)
            return Agent(ready.result(), session)

        yield begun


@pytest.fixture
async def agent(begin):
    """An agent as it should be."""
    return await begin()


@pytest.fixture
async def user(agent):
    return await agent.user()
