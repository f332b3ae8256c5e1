"""Which models there are, who serves them, and the list that Vertex gives."""

import asyncio
import json

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.backend.agent.breaker import Breaker
from harness.backend.agent.models import VertexModels
from harness.backend.clock import Clock
from harness.backend.providers import Provider
from harness.backend.upstream import Kind, UpstreamError

TOKEN = {"VERTEX_AI_ACCESS_TOKEN": "ya29.given", "GOOGLE_CLOUD_PROJECT": "project"}
PROJECT = "GOOGLE_CLOUD_PROJECT"
NAMES = ("claude-sonnet-4", "claude-haiku-4-5", "claude-of-tomorrow")


class Vertex:
    """The list of a publisher's models, and a token endpoint.

    ``status`` and ``body`` are of the next answers; a token that is ``withdrawn`` is refused.
    """

    def __init__(self):
        self.seen, self.status, self.gate = [], 200, None
        self.grants, self.withdrawn, self.url, self.refusing = 0, set(), "", False
        self.body = {"publisherModels": [{"name": f"publishers/anthropic/models/{name}"} for name in NAMES]}
        self.pages, self.paged = [], {}
        self.arrived, self.left = asyncio.Event(), asyncio.Event()

    async def handle(self, request):
        self.seen.append(request.headers["Authorization"])
        self.pages.append(request.query.get("pageToken"))
        self.arrived.set()
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.left.set()
                raise
        body = self.paged.get(request.query.get("pageToken"), self.body)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=body, status=self.status_of(request.headers["Authorization"]))

    def status_of(self, authorization):
        return 401 if authorization in self.withdrawn else self.status

    async def grant(self, request):
        await request.post()
        self.grants += 1
        if self.refusing:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": f"ya29.{self.grants}", "expires_in": 3599})


@pytest.fixture
async def vertex(known):
    found = Vertex()
    app = web.Application()
    app.router.add_get("/v1beta1/publishers/anthropic/models", found.handle)
    app.router.add_post("/token", found.grant)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    known["vertex"] = Provider("vertex", found.url, "")
    yield found
    await runner.cleanup()


@pytest.fixture
def account(tmp_path, vertex):
    """The settings of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = {"client_email": "robot@project", "private_key": key.decode(), "token_uri": f"{vertex.url}/token"}
    path = tmp_path / "account.json"
    path.write_text(json.dumps(info))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path), "GOOGLE_CLOUD_PROJECT": "project"}


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


class Gated(VertexModels):
    """Reads when the gate is open, and fails."""

    def __init__(self):
        breaker = Breaker("vertex", Clock(), failures=99, cool_down_s=30)
        super().__init__(None, None, Clock(), None, breaker, base_url="", fresh_s=60)
        self.readings, self.reached, self.gate = 0, asyncio.Event(), asyncio.Event()

    async def pages(self):
        self.readings += 1
        self.reached.set()
        await self.gate.wait()
        raise UpstreamError(Kind.UNAVAILABLE, "no")


async def test_those_who_wait_for_a_reading_that_fails_are_told_so_together():
    models = Gated()
    asking = [asyncio.create_task(models.listed()) for _ in range(10)]
    await models.reached.wait()  # all ten have begun by then: they were started in one turn of the loop
    models.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert ([type(one) for one in answers], models.readings) == ([UpstreamError] * 10, 1)
    with pytest.raises(UpstreamError):
        await models.listed()
    assert models.readings == 2


async def test_vertexs_breaker_is_told_of_the_list_and_asked_for_it(begin, vertex):
    agent = await begin(**TOKEN, BREAKER_FAILURES="2")
    vertex.status = 503
    for code in ("provider_unavailable", "provider_unavailable", "provider_circuit_open"):
        status, _, body = await listed(agent)
        assert (status, body["error"]["code"]) == (503, code)
    assert len(vertex.seen) == 2
    assert (await agent.call("GET", "/health"))[2]["breakers"]["vertex"] == "open"
    await agent.advance(30)
    vertex.status = 200
    assert (await listed(agent))[0] == 200
    assert (await agent.call("GET", "/health"))[2]["breakers"]["vertex"] == "closed"


async def test_a_list_that_nobody_waits_for_makes_room_for_another_probe(begin, vertex):
    agent = await begin(**TOKEN, BREAKER_FAILURES="1")
    vertex.status = 503
    await listed(agent)
    await agent.advance(30)
    vertex.gate, vertex.status = asyncio.Event(), 200
    vertex.arrived.clear()
    leaving = asyncio.create_task(listed(agent))
    await vertex.arrived.wait()
    leaving.cancel()
    await vertex.left.wait()
    vertex.gate.set()
    assert (await listed(agent))[0] == 200


async def test_a_refusal_by_googles_token_endpoint_does_not_close_vertexs_breaker(begin, vertex, account):
    agent = await begin(**account, BREAKER_FAILURES="1")
    vertex.status = 503
    await listed(agent)
    await agent.advance(4_000)  # the breaker is half open, and the token has ended
    vertex.refusing = True
    status, _, body = await listed(agent)
    assert (status, body["error"]["code"]) == (502, "provider_auth_error")
    assert (await agent.call("GET", "/health"))[2]["breakers"]["vertex"] == "half_open"
    vertex.refusing, vertex.status = False, 200
    assert (await listed(agent))[0] == 200
    assert (await agent.call("GET", "/health"))[2]["breakers"]["vertex"] == "closed"


async def test_every_page_of_the_list_is_read_and_no_list_for_ever(begin, vertex):
    agent = await begin(**TOKEN, MODELS_FRESH_S="1")
    rows = vertex.body["publisherModels"]
    vertex.paged = {None: {"publisherModels": rows[:1], "nextPageToken": "a b"}, "a b": {"publisherModels": rows[1:]}}
    _, _, body = await listed(agent)
    assert [row["id"] for row in body["data"]] == ["claude-sonnet-4@20250514", "claude-haiku-4-5@20251001"]
    assert vertex.pages == [None, "a b"]
    vertex.paged["a b"]["nextPageToken"] = "a b"
    await agent.advance(1)
    vertex.pages.clear()
    assert (await listed(agent))[0] == 200
    assert 2 < len(vertex.pages) <= 20


async def test_a_token_that_is_refused_is_renewed_once_for_the_list(begin, vertex, account):
    agent = await begin(**account)
    vertex.withdrawn.add("Bearer ya29.1")
    assert (await listed(agent))[0] == 200
    assert (vertex.seen, vertex.grants) == (["Bearer ya29.1", "Bearer ya29.2"], 2)


async def test_a_second_token_that_is_refused_is_the_end_of_it(begin, vertex, account):
    agent = await begin(**account)
    vertex.status = 401
    status, _, body = await listed(agent)
    assert (status, body["error"]["code"]) == (502, "provider_auth_error")
    assert (len(vertex.seen), vertex.grants) == (2, 2)


@pytest.mark.parametrize("given", [("VERTEX_AI_ACCESS_TOKEN",), ("GOOGLE_APPLICATION_CREDENTIALS",)])
async def test_without_a_project_the_list_is_to_be_had_and_no_chat(begin, vertex, known, account, provider, given):
    known["anthropic"] = Provider("anthropic", known["anthropic"].base_url, "")
    values = {**TOKEN, **account}
    agent = await begin(**{name: values[name] for name in given}, ANTHROPIC_API_KEY=None)
    assert (await listed(agent))[0] == 200
    assert len(vertex.seen) == 1
    user = await agent.user()
    for model in ("claude-sonnet-4", "claude-sonnet-4@20250514"):
        status, _, body = await agent.chat(user, model=model)
        assert (status, body["error"]["code"]) == (502, "provider_auth_error")
    assert (await agent.kinds(user), len(vertex.seen), provider.bodies) == (["grant"], 1, [])
    _, _, health = await agent.call("GET", "/health")
    assert "vertex" not in health["services"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {},
            f"set GOOGLE_APPLICATION_CREDENTIALS and {PROJECT}, or VERTEX_AI_ACCESS_TOKEN",
        ),
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
        (401, b"{}", (502, "provider_auth_error")),
        (429, b"", (429, "rate_limit_exceeded")),
        (500, b"{}", (503, "provider_unavailable")),
        (503, b"<html>", (503, "provider_unavailable")),
        (302, b"", (502, "provider_invalid_response")),
        (200, b"[]", (502, "provider_invalid_response")),
        (200, b"<html>", (502, "provider_invalid_response")),
        (200, b"\xff", (502, "provider_invalid_response")),
        (200, b"[" * 100_000, (502, "provider_invalid_response")),
        (200, b'{"publisherModels": 7}', (502, "provider_invalid_response")),
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
