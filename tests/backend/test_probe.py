import asyncio

import pytest


async def test_a_user_is_made_with_what_was_asked_for(backend):
    user = await backend.user(credits=70, tier="free")
    found = await backend.ledger(user)
    assert (found["user_id"], found["balance"], found["in_flight"], found["usage"]) == (user.id, 70, 0, [])
    (grant,) = found["entries"]
    assert (grant["kind"], grant["amount"], grant["delta"], grant["balance"]) == ("grant", 70, 70, 70)
    assert (grant["hold_id"], grant["shortfall"], grant["metadata"]) == (None, 0, {})


async def test_a_user_without_credits_has_an_empty_ledger(backend):
    found = await backend.ledger(await backend.user(credits=0))
    assert (found["balance"], found["entries"]) == (0, [])


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"{}[",
        b'{"credits": -1}',
        b'{"credits": 1.5}',
        b'{"credits": true}',
        b'{"credits": "9"}',
        b'{"credits": 1000000000000000000000}',
        b'{"tier": "gold"}',
        b'{"role": "king"}',
        b'{"tier": ["free"]}',
    ],
)
async def test_a_user_that_cannot_be_made_is_refused_in_words(backend, body):
    async with backend.session.post(f"{backend.probe_url}/users", data=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ledger", 400),
        ("/ledger?user=nobody", 400),
        ("/ledger?user=00000000-0000-4000-8000-000000000000", 404),
        ("/ledger?user=00000000-0000-4000-8000-000000000000&wait_s=nan", 400),
        ("/ledger?user=00000000-0000-4000-8000-000000000000&wait_s=-1", 400),
        ("/log?user=x", 400),
        ("/resources?wait_s=soon", 400),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused_in_words(backend, path, status):
    async with backend.session.get(backend.probe_url + path) as response:
        assert response.status == status
        assert (await response.json())["error"]


async def test_a_ledger_asked_for_too_early_says_so(backend, provider):
    provider.hang()
    user = await backend.user()
    call = asyncio.create_task(backend.chat(user))
    await asyncio.wait_for(provider.arrived.wait(), 5)
    found = await backend.ask("/ledger", user=user.id, wait_s="0.01")
    assert (found["settled"], found["in_flight"]) == (False, 1)
    assert [entry["kind"] for entry in found["entries"]] == ["grant", "hold"]
    call.cancel()
    assert (await backend.ledger(user))["entries"][-1]["kind"] == "release"


async def test_a_load_leaves_nothing_behind(backend, provider, parts):
    provider.stream(*parts["healthy"])
    user = await backend.user()
    await backend.chat(user, stream=True)
    before = await backend.resources()
    for how in ({"stream": True}, {"stream": True, "messages": []}, {"model": "no-such"}) * 5:
        await backend.chat(user, **how)
    assert await backend.resources() == before
    assert (before["in_flight"], before["open_holds"], before["client_sessions"]) == (0, 0, 1)
    assert before["provider_connections"] == 1


async def test_a_session_for_each_stream_shows(start, provider, parts):
    provider.stream(*parts["healthy"])
    backend = await start(defect="session-per-stream")
    user = await backend.user()
    before = await backend.resources()
    for _ in range(5):
        await backend.chat(user, stream=True)
    after = await backend.resources()
    assert after["client_sessions"] - before["client_sessions"] == 5
    assert after["provider_connections"] - before["provider_connections"] == 5


async def test_the_store_is_taken_away_and_brought_back(backend):
    user = await backend.user()

    async def store(available):
        async with backend.session.post(f"{backend.probe_url}/store", json={"available": available}) as response:
            return response.status

    assert await store(available=False) == 200
    status, _, answer = await backend.chat(user)
    assert (status, answer["error"]["code"]) == (500, "internal_error")
    assert await store(available=True) == 200
    assert (await backend.ledger(user))["in_flight"] == 0
    assert await store(available="perhaps") == 400
