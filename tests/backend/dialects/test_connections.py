"""Connections of every dialect: none that can be made, one that is left in the middle, and what is open at the end."""

import pytest

from harness.backend.failure import Kind, UpstreamError
from harness.core.names import Provider
from harness.core.recording import Ending
from harness.servers.gate import Gate

MODELS = [
    (Provider.OPENAI, "gpt-4o-mini"),
    (Provider.ANTHROPIC, "claude-haiku-4-5"),
    (Provider.BEDROCK, "amazon.nova-micro-v1:0"),
    (Provider.VERTEX, "gemini-2.5-flash"),
    (Provider.VERTEX, "claude-haiku-4-5"),
]
EACH = pytest.mark.parametrize(("provider", "model"), MODELS)


@EACH
async def test_a_provider_that_is_away_cannot_be_reached_and_is_asked_again_once_it_is_back(ask, provider, model):
    _script, body, _tie = ask.prepared(provider, model=model)
    known = ask.provider(provider)
    async with ask.simulator.unreachable(provider):
        with pytest.raises(UpstreamError) as away:
            await ask.upstream.complete(known, body)
        assert away.value.kind is Kind.UNREACHABLE
        with pytest.raises(UpstreamError) as away:
            async with ask.upstream.stream(known, body):
                pass
        assert away.value.kind is Kind.UNREACHABLE
    assert (await ask(provider, model=model, stream=True)).error is None


@EACH
async def test_a_stream_that_is_left_is_closed_at_the_provider(ask, provider, model):
    script, body, tie = ask.prepared(provider, model=model)
    script.gates[2] = Gate()
    async with ask.upstream.stream(ask.provider(provider), body) as chunks:
        words = ""
        async for chunk in chunks:
            words += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
            if words:
                break
    exchange = (await script.ended(tie)).freeze()
    assert exchange.ending is Ending.CLIENT_CLOSE


async def test_clients_are_made_once_and_all_sessions_are_counted_and_closed(asking):
    async with asking() as ask:
        before = ask.clients.open_sessions()
        for _ in range(2):
            for provider, model in MODELS:
                assert (await ask(provider, model=model, stream=False)).error is None
        assert ask.clients.open_sessions() == before + 1  # Bedrock's library has a session of its own
    assert ask.clients.open_sessions() == 0


@pytest.mark.parametrize("provider", [Provider.OPENAI, Provider.ANTHROPIC])
async def test_a_provider_with_a_list_of_models_gives_it_in_openais_form(ask, provider):
    listed = await ask.upstream.models(ask.provider(provider))
    assert listed["object"] == "list"
    assert all(row["object"] == "model" for row in listed["data"])


@pytest.mark.parametrize("provider", [Provider.BEDROCK, Provider.VERTEX])
async def test_a_library_without_a_list_of_models_has_none(ask, provider):
    with pytest.raises(UpstreamError) as none:
        await ask.upstream.models(ask.provider(provider))
    assert none.value.kind is Kind.NOT_FOUND
