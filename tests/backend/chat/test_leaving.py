"""Those who leave: the owner, an observer, the session itself, and the service."""

import asyncio


async def opened(user, session, deltas):
    """A stream of which so many deltas have been read."""
    response = await user.open(session)
    read = b""
    while read.count(b"event: delta") < deltas:
        read += await response.content.readany()
    return response, read


async def test_when_the_owner_leaves_all_are_told_bedrock_is_cancelled_and_what_was_delivered_is_paid(
    user, supervisor, bedrock, events
):
    session, gate = await user.session(), bedrock.gate(3)
    owner, _ = await opened(user, session, 3)
    async with supervisor.observe(session) as looking:
        owner.close()
        told = events(await looking.read())
    assert (await bedrock.ended()).ending.value == "client-close"
    assert told[-1] == ("error", {"message": "The owner of the stream has left.", "errorCode": "STREAM_CANCELLED"})
    assert [kind for kind, _ in (await user.account())[1]] == ["hold", "settle"]
    assert [line["status"] for line in await user.log("chat.stream")] == ["client-left"]
    gate.open()
    assert (await user.stream(session))[0] == 200


async def test_an_owner_who_leaves_before_the_headers_pays_nothing(user, bedrock):
    session, gate = await user.session(), bedrock.gate("before-headers")
    waiting = asyncio.create_task(user.stream(session))
    await gate.wait_reached()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (await bedrock.ended()).ending.value == "client-close"
    assert [kind for kind, _ in (await user.account())[1]] == ["hold", "release"]


async def test_an_observer_who_leaves_changes_nothing(user, supervisor, bedrock):
    session, gate = await user.session(), bedrock.gate(2)
    owner = asyncio.create_task(user.stream(session))
    await gate.wait_reached()
    looking = await supervisor.observe(session)
    looking.close()
    await supervisor.account()
    gate.open()
    assert [name for name, _ in (await owner)[1]] == ["delta"] * 8 + ["done"]


async def test_a_session_that_is_deleted_ends_its_stream_for_all(user, supervisor, bedrock, events):
    session, gate = await user.session(), bedrock.gate(2)
    owner, read = await opened(user, session, 2)
    async with supervisor.observe(session) as looking:
        assert await user.call("DELETE", f"/chat/sessions/{session}") == (204, None)
        seen = [events(await looking.read()), events(read + await owner.read())]
    assert seen[0] == seen[1]
    assert seen[0][-1][1]["errorCode"] == "SESSION_DELETED"
    assert (await bedrock.ended()).ending.value == "client-close"
    assert [kind for kind, _ in (await user.account())[1]] == ["hold", "settle"]
    gate.open()


async def test_a_service_that_stops_ends_its_streams_and_settles_them(backend, user, supervisor, bedrock, events):
    session, gate = await user.session(), bedrock.gate(2)
    owner, read = await opened(user, session, 2)
    async with supervisor.observe(session) as looking:
        backend.stopping()
        seen = [events(await looking.read()), events(read + await owner.read())]
    assert seen[0] == seen[1]
    assert seen[0][-1] == ("error", {"message": "The service is shutting down.", "errorCode": "SHUTTING_DOWN"})
    assert (await bedrock.ended()).ending.value == "client-close"
    gate.open()


async def test_nothing_is_left_when_all_is_over(backend, user, supervisor, bedrock):
    async def rest():
        return await backend.ask("/resources", wait_s="10")

    async def load():
        session, gate = await user.session(), bedrock.gate(2)
        owner, _ = await opened(user, session, 2)
        async with supervisor.observe(session) as looking:
            gate.open()
            await looking.read()
        await owner.read()
        await user.account()

    await load()
    before = await rest()
    for _ in range(4):
        await load()
    after = await rest()
    for name in ("tasks", "client_sessions", "provider_connections", "in_flight", "open_holds"):
        assert after[name] <= before[name], name
