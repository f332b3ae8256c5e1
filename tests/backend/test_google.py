"""Access tokens for Google Cloud: given or granted, renewed in time, fetched once for all who wait."""

import asyncio
import json

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.backend.clients import ProviderClients
from harness.backend.clock import SkippingClock
from harness.backend.google import FILE, PROJECT, SCOPE, TOKEN, GoogleTokens, NoCredentials
from harness.backend.settings import Settings, SettingsError
from harness.backend.upstream import Kind, UpstreamError

EMAIL = "robot@project.iam.gserviceaccount.com"


class Endpoint:
    """A token endpoint. ``gate`` holds its answers back, ``answer`` is what it says instead."""

    def __init__(self):
        self.url, self.assertions, self.gate, self.answer = "", [], None, None
        self.arrived = asyncio.Event()

    async def handle(self, request):
        form = await request.post()
        self.assertions.append(form["assertion"])
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.answer is not None:
            return web.Response(**self.answer)
        return web.json_response({"access_token": f"ya29.{len(self.assertions)}", "expires_in": 3599})


@pytest.fixture
async def endpoint():
    found = Endpoint()
    app = web.Application()
    app.router.add_post("/token", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    yield found
    await runner.cleanup()


@pytest.fixture(scope="module")
def private_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(tmp_path, endpoint, private_key):
    """The path of a service account's key file."""
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "account.json"
    info = {"client_email": EMAIL, "private_key": pem.decode(), "private_key_id": "1", "token_uri": endpoint.url}
    path.write_text(json.dumps(info))
    return str(path)


@pytest.fixture
async def tokens(account):
    """Tokens of the account, and the clock that they live by."""
    settings = Settings(google_application_credentials=account, google_cloud_project="project")
    clients, clock = ProviderClients(settings), SkippingClock()
    yield GoogleTokens(settings, clock, clients), clock
    await clients.close()


async def test_a_token_is_asked_for_by_a_signed_statement_and_kept(tokens, endpoint, private_key):
    google, _ = tokens
    assert [await google.token(), await google.token()] == ["ya29.1", "ya29.1"]
    (assertion,) = endpoint.assertions
    claims = jwt.decode(assertion, private_key.public_key(), algorithms=["RS256"], audience=endpoint.url)
    assert (claims["iss"], claims["scope"], claims["exp"] - claims["iat"]) == (EMAIL, SCOPE, 3600)


async def test_it_is_renewed_before_it_ends(tokens):
    google, clock = tokens
    assert await google.token() == "ya29.1"
    clock.advance(3300)
    assert await google.token() == "ya29.1"
    clock.advance(100)
    assert await google.token() == "ya29.2"


async def test_many_who_ask_at_once_cause_one_request(tokens, endpoint):
    google, _ = tokens
    endpoint.gate = asyncio.Event()
    asking = [asyncio.create_task(google.token()) for _ in range(8)]
    await endpoint.arrived.wait()
    endpoint.gate.set()
    assert set(await asyncio.gather(*asking)) == {"ya29.1"}
    assert len(endpoint.assertions) == 1


async def test_one_that_was_refused_is_forgotten_and_another_is_not(tokens, endpoint):
    google, _ = tokens
    first = await google.token()
    assert google.refused(first)
    assert await google.token() == "ya29.2"
    assert google.refused(first)  # by a call that was slow to be told: the token at hand is another by now
    assert await google.token() == "ya29.2"
    assert len(endpoint.assertions) == 2


async def test_a_token_that_was_given_is_all_there_is(account):
    settings = Settings(vertex_access_token="ya29.given", google_application_credentials=account)
    google = GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
    assert (await google.token(), google.refused("ya29.given"), google.missing()) == ("ya29.given", False, ())


@pytest.mark.parametrize(
    ("given", "missing"),
    [({}, (FILE, PROJECT, TOKEN)), ({"google_cloud_project": "p"}, (FILE, TOKEN))],
)
async def test_what_is_missing_is_named(given, missing):
    settings = Settings(**given)
    google = GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
    assert google.missing() == missing
    with pytest.raises(NoCredentials) as none:
        await google.token()
    assert none.value.missing == missing


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 400, "text": '{"error": "invalid_grant"}'}, Kind.AUTH),
        ({"status": 200, "text": '{"expires_in": 3599}'}, Kind.AUTH),
        ({"status": 200, "text": "<html>"}, Kind.INVALID),
    ],
    ids=["refused", "no-token", "not-json"],
)
async def test_an_endpoint_that_grants_none_is_a_failure_of_the_providers(tokens, endpoint, answer, kind):
    endpoint.answer = answer
    with pytest.raises(UpstreamError) as failure:
        await tokens[0].token()
    assert failure.value.kind is kind


async def test_an_endpoint_that_is_not_there_is_not_reached(tokens, endpoint, monkeypatch):
    monkeypatch.setattr(tokens[0]._account, "token_url", "http://127.0.0.1:1/token")
    with pytest.raises(UpstreamError) as failure:
        await tokens[0].token()
    assert failure.value.kind is Kind.UNREACHABLE


@pytest.mark.parametrize(
    "text", [None, "{}", "not json", '{"client_email": "x", "token_uri": "y", "private_key": "z"}']
)
def test_a_file_that_is_no_key_is_refused_at_the_start(tmp_path, text):
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    settings = Settings(google_application_credentials=str(path))
    with pytest.raises(SettingsError, match=FILE):
        GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
