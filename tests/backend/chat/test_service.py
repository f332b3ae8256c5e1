"""Streams as their owners and those who look on see them, and what they cost."""

import asyncio
from uuid import UUID

import pytest

PIECES = 8


async def test_the_models_are_named_as_bedrock_names_them_for_anybody(backend):
    async with backend.http.get(f"{backend.addresses['chat']}/models") as response:
        names = [one["id"] for one in (await response.json())["models"]]
    assert names == [
        "amazon.nova-micro-v1:0",
        "amazon.nova-lite-v1:0",
        "amazon.titan-text-express-v1",
        "meta.llama3-70b-instruct-v1:0",
    ]


@pytest.mark.parametrize(
    ("model", "usd"),
    [("amazon.nova-lite-v1:0", 100), ("amazon.titan-text-express-v1", 60), ("meta.llama3-70b-instruct-v1:0", 40)],
)
async def test_a_stream_has_deltas_and_one_end_and_costs_what_it_used(user, model, usd):
    status, events = await user.stream(await user.session(), modelId=model)
    assert status == 200
    assert [name for name, _ in events] == ["delta"] * PIECES + ["done"]
    usage, used = events[-1][1]["usage"], events[-1][1]["creditsUsed"]
    assert used == -(-sum(usage.values()) * usd * 1500 // 10**6)
    balance, entries = await user.account()
    assert [kind for kind, _ in entries] == ["hold", "settle"]
    assert (entries[1][1], balance) == (used, 10_000 - used)
    (line,) = await user.log("chat.stream")
    assert (line["status"], line["chunkCount"], line["creditsUsed"], line["model"]) == ("completed", 8, used, model)


async def test_the_hold_is_the_estimate_ours_or_the_clients(user):
    session = await user.session()
    await user.stream(session)
    await user.stream(session, estimatedTokens=100)
    assert [amount for kind, amount in (await user.account())[1] if kind == "hold"] == [-(-2006 * 3 // 20), 15]


async def test_who_looks_on_sees_every_event_whenever_they_come(user, supervisor, bedrock, events):
    session, gate = await user.session(), bedrock.gate(4)
    owner = asyncio.create_task(user.stream(session))
    await gate.wait_reached()
    async with supervisor.observe(session) as first, supervisor.observe(session) as second:
        assert (first.status, second.status) == (200, 200)
        gate.open()
        seen = [events(await one.read()) for one in (first, second)]
    assert seen == [(await owner)[1]] * 2


async def test_a_stream_can_be_observed_before_its_owner_has_anything_and_not_after_its_end(user, supervisor, bedrock):
    session, gate = await user.session(), bedrock.gate("before-headers")
    owner = asyncio.create_task(user.stream(session))
    await gate.wait_reached()
    async with supervisor.observe(session) as response:
        assert response.status == 200
        gate.open()
        assert (await response.read()).count(b"event: delta") == PIECES
    await owner
    status, body = await supervisor.call("GET", f"/chat/sessions/{session}/observe")
    assert (status, body) == (
        404,
        {"message": "No active streaming session found for observation", "errorCode": "SESSION_NOT_ACTIVE"},
    )


async def test_only_supervisors_look_on(user, bedrock):
    session, gate = await user.session(), bedrock.gate(1)
    owner = asyncio.create_task(user.stream(session))
    await gate.wait_reached()
    status, body = await user.call("GET", f"/chat/sessions/{session}/observe")
    assert (status, body["errorCode"]) == (403, "FORBIDDEN")
    gate.open()
    assert (await owner)[0] == 200


async def test_one_session_has_one_stream_at_a_time(user, bedrock):
    session, gate = await user.session(), bedrock.gate(1)
    owner = asyncio.create_task(user.stream(session))
    await gate.wait_reached()
    status, body = await user.stream(session)
    assert (status, body["errorCode"], body["message"]) == (409, "SESSION_BUSY", "Error streaming chat response")
    gate.open()
    assert (await owner)[0] == 200
    assert (await user.stream(session))[0] == 200


async def test_a_deleted_session_stays_deleted(user, supervisor):
    session = await user.session()
    for _ in range(2):
        assert await user.call("DELETE", f"/chat/sessions/{session}") == (204, None)
        status, body = await user.stream(session)
        assert (status, body["errorCode"]) == (410, "SESSION_DELETED")
        assert (await supervisor.call("GET", f"/chat/sessions/{session}/observe"))[0] == 404


async def test_sessions_made_at_once_are_each_their_own(backend):
    users = [await backend.user(), await backend.user()]
    made = await asyncio.gather(*(users[number % 2].session() for number in range(40)))
    assert len(set(made)) == 40
    assert all(UUID(one).version == 4 and str(UUID(one)) == one for one in made)


async def test_another_users_session_is_not_there(backend, user):
    session = await (await backend.user()).session()
    why = "There is no such chat session."
    assert await user.stream(session) == (
        404,
        {"message": "Error streaming chat response", "error": why, "errorCode": "SESSION_NOT_FOUND"},
    )
    deleted = await user.call("DELETE", f"/chat/sessions/{session}")
    assert deleted == (404, {"message": why, "errorCode": "SESSION_NOT_FOUND"})


async def test_who_has_too_little_is_refused_before_the_provider(backend, bedrock):
    for balance in (0, 300):
        user = await backend.user(credits=balance)
        status, body = await user.stream(await user.session())
        assert (status, body["errorCode"]) == (402, "INSUFFICIENT_CREDITS")
        assert await user.account() == (balance, [])
    assert bedrock.count() == 0


async def test_a_token_is_required(backend):
    async with backend.http.post(f"{backend.addresses['chat']}/chat/sessions") as response:
        assert (response.status, response.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
    async with backend.http.post(f"{backend.addresses['accounting']}/credits/check") as response:
        assert (response.status, response.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


@pytest.mark.parametrize("service", ["chat", "accounting"])
async def test_what_has_no_route_is_refused_in_the_same_shape(user, service):
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("PUT", "/chat/sessions", 405),
        ("GET", "/credits/check", 405),
    ):
        found, body = await user.call(method, path, service=service)
        assert found in (status, 404)
        assert isinstance(body["message"], str)
        assert body["errorCode"]


async def test_without_keys_it_does_not_start(start):
    with pytest.raises(ValueError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        await start(AWS_SECRET_ACCESS_KEY=None)
