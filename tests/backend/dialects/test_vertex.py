"""Vertex AI is asked with the access token of the moment; one that is refused is replaced, once."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.backend.failure import Kind
from harness.core.names import Provider

MODELS = ("gemini-2.5-flash", "claude-sonnet-4")


@pytest.fixture(scope="module")
def private_key():
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.fixture
def key_file(private_key, tmp_path):
    """Writes the key file of a service account whose tokens come from this address."""

    def write(address):
        info = {"client_email": "robot@p.example", "private_key": private_key, "private_key_id": "1"}
        path = tmp_path / "key.json"
        path.write_text(json.dumps({**info, "token_uri": f"{address}/token"}))
        return str(path)

    return write


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_token_that_was_given_and_is_refused_is_the_end_of_it(ask, model, stream):
    got = await ask(Provider.VERTEX, "expired-token", model=model, stream=stream)
    assert (got.kind, got.error.status) == (Kind.AUTH, 401)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_granted_token_that_is_refused_is_replaced_once(asking, key_file, model, stream):
    async with asking(VERTEX_AI_ACCESS_TOKEN="") as first:
        path = key_file(first.simulator.base_url(Provider.VERTEX))
        address = first.settings.vertex_api_url
        more = {"VERTEX_AI_ACCESS_TOKEN": "", "GOOGLE_APPLICATION_CREDENTIALS": path, "VERTEX_API_URL": address}
        async with asking(**more) as ask:
            ask.simulator = first.simulator
            got = await ask(Provider.VERTEX, "expired-token", model=model, stream=stream)
            assert got.error is None
            assert got.finish_reasons == ["stop"]
            refused = await ask(Provider.VERTEX, "http-401", model=model, stream=stream)
            assert refused.kind is Kind.AUTH


async def test_without_credentials_nothing_is_asked(asking):
    async with asking(VERTEX_AI_ACCESS_TOKEN="") as ask:
        script, body, tie = ask.prepared(Provider.VERTEX)
        with pytest.raises(Exception, match="GOOGLE_APPLICATION_CREDENTIALS") as refused:
            await ask.upstream.complete(ask.provider(Provider.VERTEX), body)
        assert refused.value.kind is Kind.AUTH
        assert script.count(tie) == 0
