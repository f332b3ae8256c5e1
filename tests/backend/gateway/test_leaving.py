import asyncio

import aiohttp
import pytest

# -- clients that leave


async def test_a_client_that_leaves_a_plain_call_ends_it_at_once(backend, provider):
    provider.hang()
    user = await backend.user()
    call = asyncio.create_task(backend.chat(user))
    await asyncio.wait_for(provider.arrived.wait(), 5)
    call.cancel()
    await asyncio.wait_for(provider.gone.wait(), 5)
    assert await backend.kinds(user) == [("hold", 1), ("release", 1)]
    (line,) = await backend.log(user)
    assert (line["status"], "error" in line) == ("client-left", False)


@pytest.mark.parametrize(("sent", "end", "characters"), [(1, "release", 0), (3, "settle", 7)])
async def test_a_client_that_leaves_a_stream_pays_what_it_was_given(backend, provider, parts, sent, end, characters):
    provider.stream(*parts["healthy"][:sent], then="stall")
    user = await backend.user()
    async with backend.open(user, stream=True) as response:
        seen = b""
        while seen.count(b"\n\n") < sent:
            seen += await response.content.readany()
        response.close()
    await asyncio.wait_for(provider.gone.wait(), 5)
    assert await backend.kinds(user) == [("hold", 1), (end, 1)]
    (line,) = await backend.log(user)
    assert (line["status"], line["completionLength"]) == ("client-left", characters)
    assert (await backend.resources())["provider_connections"] == 0


async def test_a_client_that_does_not_read_cannot_hold_a_call_for_ever(start, provider, parts):
    words = parts["event"](parts["chunk"]({"content": "x" * 100_000}))
    provider.stream(parts["role"], *[words] * 400, then="stall")
    backend = await start(TIMEOUT_WHOLE_CALL_S="0.5", TIMEOUT_BETWEEN_SEGMENTS_S="0.5")
    user = await backend.user(credits=100_000)
    async with backend.open(user, stream=True) as response:
        await response.content.read(1)
        found = await backend.ledger(user)
    assert [entry["kind"] for entry in found["entries"]] == ["grant", "hold", "settle"]


# -- shut-down


async def test_a_running_call_may_end_before_the_gateway_stops(backend, provider, parts):
    provider.stream(*parts["healthy"][:2], then="gate")
    async with backend.open(await backend.user(), stream=True) as response:
        await response.content.readuntil(b"Hel")
        backend.stopping()
        provider.gate.set()
        rest = await response.read()
    assert b"error" not in rest
    assert rest.endswith(b"data: [DONE]\n\n")
    await backend.stop()


async def test_a_call_that_does_not_end_is_ended_and_told(start, provider, parts):
    provider.stream(*parts["healthy"][:2], then="stall")
    backend = await start(TIMEOUT_DRAIN_S="0.2")
    user = await backend.user()
    async with backend.open(user, stream=True) as response:
        await response.content.readuntil(b"Hel")
        stopping = asyncio.create_task(backend.stop())
        rest = await response.read()
    await stopping
    assert b'"code":"gateway_shutting_down"' in rest
    assert rest.endswith(b"data: [DONE]\n\n")
    await asyncio.wait_for(provider.gone.wait(), 5)


async def test_new_calls_are_refused_while_the_gateway_drains(backend, provider, parts):
    provider.stream(*parts["healthy"][:2], then="gate")
    user = await backend.user()
    async with aiohttp.ClientSession() as other:
        async with other.get(f"{backend.url}/v1/models") as kept_alive:
            await kept_alive.read()
        async with backend.open(user, stream=True) as response:
            await response.content.readuntil(b"Hel")
            backend.stopping()
            while True:
                try:
                    async with other.get(f"{backend.url}/v1/models") as refused:
                        if refused.status == 503:
                            assert (await refused.json())["error"]["code"] == "gateway_shutting_down"
                            break
                except aiohttp.ClientConnectionError:
                    break  # the listener is closed
            provider.gate.set()
            assert (await response.read()).endswith(b"[DONE]\n\n")
