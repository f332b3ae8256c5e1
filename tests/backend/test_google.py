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
from harness.backend.credentials import FILE, PROJECT, TOKEN
from harness.backend.google import SCOPE, GoogleTokens, NoCredentials
from harness.backend.settings import Settings, SettingsError
from harness.backend.upstream import Kind, UpstreamError

EMAIL = "robot@project.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"  # Google's own, wherever the endpoint is


class Endpoint:
    """A token endpoint. ``gate`` holds its answers back, ``answer`` is what it says instead."""

    def __init__(self):
        self.url, self.assertions, self.gate, self.answer = "", [], None, None
        self.arrived, self.left = asyncio.Event(), asyncio.Event()

    async def handle(self, request):
        form = await request.post()
        self.assertions.append(form["assertion"])
        self.arrived.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        if self.answer is not None:
            return web.Response(**self.answer)
        return web.json_response({"access_token": f"ya29.{len(self.assertions)}", "expires_in": 3599})


@pytest.fixture
async def endpoint():
    found = Endpoint()
    app = web.Application()
    app.router.add_post("/token", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
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
    claims = jwt.decode(assertion, private_key.public_key(), algorithms=["RS256"], audience=AUDIENCE)
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
    settings = Settings(
        vertex_access_token="ya29.given", google_application_credentials=account, google_cloud_project="project"
    )
    google = GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
    assert (await google.token(), google.refused("ya29.given"), google.missing()) == ("ya29.given", False, ())


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, (FILE, TOKEN, PROJECT)),
        ({"google_cloud_project": "p"}, (FILE, TOKEN)),
        ({"vertex_access_token": "ya29.given"}, (PROJECT,)),
        ({"google_application_credentials": "account"}, (PROJECT,)),
    ],
)
async def test_what_is_missing_is_named(given, missing, account):
    settings = Settings(**{name: account if value == "account" else value for name, value in given.items()})
    google = GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
    assert google.missing() == missing
    with pytest.raises(NoCredentials) as none:
        google.require_project()
    assert none.value.missing == missing
    assert google.token_missing() == (missing if TOKEN in missing else ())


async def test_without_a_token_and_a_file_for_one_there_is_none():
    settings = Settings(google_cloud_project="p")
    google = GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
    with pytest.raises(NoCredentials) as none:
        await google.token()
    assert none.value.missing == (FILE, TOKEN)


def granting(given="ya29.1", **more):
    return {"status": 200, "text": json.dumps({"access_token": given, "expires_in": 3599, **more})}


NONSENSE = {
    "no-token": {"status": 200, "text": '{"expires_in": 3599}'},
    "not-json": {"status": 200, "text": "<html>"},
    "not-text": {"status": 200, "body": b"\xff\xfe{}"},
    "nothing": {"status": 200},
    "a-list": {"status": 200, "text": '["ya29.1"]'},
    "null": {"status": 200, "text": "null"},
    "a-number": {"status": 200, "text": "7"},
    "too-deep": {"status": 200, "text": "[" * 100_000},
    "token-empty": granting(""),
    "token-null": granting(None),
    "token-a-number": granting(7),
    "token-of-two-lines": granting("ya29.1\r\nX-More: 1"),
    "token-not-ascii": granting("ya29.é"),
    "ends-some-day": granting(expires_in="some day"),
    "ends-in-a-list": granting(expires_in=[3599]),
    "ends-never": {"status": 200, "text": '{"access_token": "ya29.1", "expires_in": Infinity}'},
    "ends-nowhere": {"status": 200, "text": '{"access_token": "ya29.1", "expires_in": NaN}'},
    "ends-too-late": granting(expires_in=10**30),
    "ended": granting(expires_in=-1),
    "ends-at-once": granting(expires_in=0),
    "elsewhere": {"status": 302, "headers": {"Location": "/token"}},
}
REFUSALS = {
    "refused": ({"status": 400, "text": '{"error": "invalid_grant"}'}, Kind.AUTH),
    "not-known": ({"status": 401, "text": '{"error": "invalid_client"}'}, Kind.AUTH),
    "not-there": ({"status": 404}, Kind.AUTH),
    "too-many": ({"status": 429}, Kind.RATE_LIMITED),
    "broken": ({"status": 500, "text": '{"error": "internal_failure"}'}, Kind.UNAVAILABLE),
    "away": ({"status": 503}, Kind.UNAVAILABLE),
}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [*((answer, Kind.INVALID) for answer in NONSENSE.values()), *REFUSALS.values()],
    ids=[*NONSENSE, *REFUSALS],
)
async def test_an_endpoint_that_grants_none_is_a_failure_of_the_providers_and_asked_once(
    tokens, endpoint, answer, kind
):
    endpoint.answer = answer
    with pytest.raises(UpstreamError) as failure:
        await tokens[0].token()
    assert (failure.value.kind, len(endpoint.assertions)) == (kind, 1)
    endpoint.answer = None
    assert await tokens[0].token() == "ya29.2"


@pytest.mark.parametrize("lifetime", [None, "3599", 3599.0], ids=["unsaid", "text", "fraction"])
async def test_a_lifetime_is_read_however_it_is_told(tokens, endpoint, lifetime):
    google, clock = tokens
    endpoint.answer = granting(expires_in=lifetime)
    await google.token()
    clock.advance(3300)
    assert google.good()
    clock.advance(100)
    assert not google.good()


async def test_a_token_of_a_moment_is_used_for_half_of_it(tokens, endpoint):
    google, clock = tokens
    endpoint.answer = granting(expires_in=20)
    await google.token()
    clock.advance(9)
    assert google.good()
    clock.advance(2)
    assert not google.good()


async def test_one_who_leaves_takes_the_request_along_and_the_next_makes_its_own(tokens, endpoint):
    google, _ = tokens
    endpoint.gate = asyncio.Event()
    leaving = asyncio.create_task(google.token())
    await endpoint.arrived.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await endpoint.left.wait()
    endpoint.gate.set()
    assert await google.token() == "ya29.2"


async def test_an_endpoint_that_is_not_there_is_not_reached(tokens, endpoint, monkeypatch):
    monkeypatch.setattr(tokens[0]._account._credentials, "_token_uri", "http://127.0.0.1:1/token")
    with pytest.raises(UpstreamError) as failure:
        await tokens[0].token()
    assert failure.value.kind is Kind.UNREACHABLE


@pytest.mark.parametrize(
    "text", [None, "{}", "[]", "not json", '{"client_email": "x", "token_uri": "y", "private_key": "z"}']
)
def test_a_file_that_is_no_key_is_refused_at_the_start(tmp_path, text):
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    settings = Settings(google_application_credentials=str(path))
    with pytest.raises(SettingsError, match=FILE):
        GoogleTokens(settings, SkippingClock(), ProviderClients(settings))
