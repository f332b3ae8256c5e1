"""Which models there are, who serves them, and the list that Vertex gives."""

import asyncio

import pytest
from aiohttp import web

from harness.backend.providers import Provider

TOKEN = {"VERTEX_AI_ACCESS_TOKEN": "ya29.given"}
NAMES = ("claude-sonnet-4", "claude-haiku-4-5", "claude-of-tomorrow")


class Vertex:
    """The list of a publisher's models. ``status`` and ``body`` are of the next answers."""

    def __init__(self):
        self.seen, self.status, self.gate = [], 200, None
        self.body = {"publisherModels": [{"name": f"publishers/anthropic/models/{name}"} for name in NAMES]}

    async def handle(self, request):
        self.seen.append(request.headers["Authorization"])
        if self.gate is not None:
            await self.gate.wait()
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def vertex(known):
    found = Vertex()
    app = web.Application()
    app.router.add_get("/v1beta1/publishers/anthropic/models", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    known["vertex"] = Provider("vertex", f"http://127.0.0.1:{runner.addresses[0][1]}", "")
    yield found
    await runner.cleanup()


async def listed(agent):
    return await agent.call("GET", "/v1/models")


async def test_the_list_has_what_vertex_has_and_we_have_a_price_for(begin, vertex):
    agent = await begin(**TOKEN)
    status, _, body = await listed(agent)
    assert (status, body["object"]) == (200, "list")
    assert [(row["id"], row["object"]) for row in body["data"]] == [
        ("claude-sonnet-4@20250514", "model"),
        ("claude-haiku-4-5@20251001", "model"),
    ]
    assert vertex.seen == ["Bearer ya29.given"]


async def test_the_list_is_kept_for_a_while_and_read_once_for_all_who_wait(begin, vertex):
    agent = await begin(**TOKEN, MODELS_FRESH_S="60")
    vertex.gate = asyncio.Event()
    asking = [asyncio.create_task(listed(agent)) for _ in range(4)]
    vertex.gate.set()
    assert {status for status, _, _ in await asyncio.gather(*asking)} == {200}
    assert len(vertex.seen) == 1
    await agent.advance(60)
    await listed(agent)
    assert len(vertex.seen) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "set GOOGLE_APPLICATION_CREDENTIALS and GOOGLE_CLOUD_PROJECT, or VERTEX_AI_ACCESS_TOKEN"),
        ({"GOOGLE_CLOUD_PROJECT": "p"}, "set GOOGLE_APPLICATION_CREDENTIALS, or VERTEX_AI_ACCESS_TOKEN"),
    ],
)
async def test_without_credentials_it_says_what_is_missing(begin, vertex, given, words):
    agent = await begin(**given)
    status, _, body = await listed(agent)
    message = f"No access token available - cannot fetch models from Vertex AI: {words}"
    assert (status, body["error"]) == (
        503,
        {"message": message, "type": "no_access_token", "param": None, "code": "no_access_token"},
    )
    assert vertex.seen == []


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {}, (502, "provider_auth_error")),
        (500, {}, (503, "provider_unavailable")),
        (200, [], (502, "provider_invalid_response")),
        (200, {"publisherModels": 7}, (502, "provider_invalid_response")),
    ],
)
async def test_vertex_fails_by_the_table_and_is_asked_again_next_time(begin, vertex, status, body, told):
    agent = await begin(**TOKEN)
    good, vertex.status, vertex.body = vertex.body, status, body
    answer = await listed(agent)
    assert (answer[0], answer[2]["error"]["code"]) == told
    vertex.status, vertex.body = 200, good
    assert (await listed(agent))[0] == 200


@pytest.mark.parametrize(
    ("changes", "model", "upstream", "served_by"),
    [
        ({}, "claude-sonnet-4", "claude-sonnet-4", "anthropic"),
        ({"AGENT_PROVIDER": "vertex"}, "claude-sonnet-4", "claude-sonnet-4@20250514", "vertex"),
        ({"ANTHROPIC_API_KEY": None}, "claude-sonnet-4", "claude-sonnet-4@20250514", "vertex"),
        ({}, "claude-sonnet-4@20250514", "claude-sonnet-4@20250514", "vertex"),
    ],
)
async def test_who_serves_a_model(begin, known, provider, changes, model, upstream, served_by):
    if "ANTHROPIC_API_KEY" in changes:
        known["anthropic"] = Provider("anthropic", known["anthropic"].base_url, "")
    agent = await begin(**TOKEN, **changes)
    user = await agent.user()
    status, _, body = await agent.chat(user, model=model)
    assert (status, body["model"], provider.bodies[-1]["model"]) == (200, model, upstream)
    (line,) = await agent.log(user)
    assert line["provider"] == served_by


async def test_a_model_that_nobody_can_be_asked_for_is_refused_before_any_hold(agent, user, provider):
    for model, told in (
        ("claude-sonnet-4@20250514", (502, "provider_auth_error")),
        ("claude-of-yesterday", (404, "model_not_found")),
    ):
        status, _, body = await agent.chat(user, model=model)
        assert (status, body["error"]["code"]) == told
    assert (await agent.kinds(user), provider.bodies) == (["grant"], [])
