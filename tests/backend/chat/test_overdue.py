"""Streams that outlive the token they were begun with, and those that nobody ends."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from sqlalchemy import select, update

from harness.backend.accounting.service import AccountingService
from harness.backend.store import STREAMING_SESSIONS, Store

SECRET = "s" * 40
MODEL = "amazon.nova-lite-v1:0"
LONGEST_S = 61  # what a call and its end may take in these tests, by the settings


@pytest.fixture
async def backend(start, address):
    return await start(DATABASE_URL=address)


@pytest.fixture
async def ago(address):
    """Makes a session's streams begin so many seconds ago."""
    store = await Store.open(address)

    async def began(session, seconds):
        then = datetime.now(UTC) - timedelta(seconds=seconds)
        mine = STREAMING_SESSIONS.c.session_id == UUID(session)
        async with store.begin() as tx:
            await tx.execute(update(STREAMING_SESSIONS).where(mine).values(began_at=then))

    yield began
    await store.close()


async def initialize(user, session):
    body = {"sessionId": session, "userId": user.id, "modelId": MODEL, "estimatedTokens": 2000}
    return (await user.call("POST", "/streaming-sessions/initialize", service="accounting", json=body))[0]


async def end(user, session, step, **how):
    body = {"actualTokens": 900, "tokensDelivered": 900}
    return await user.call("POST", f"/streaming-sessions/{session}/{step}", service="accounting", json=body, **how)


def expired(user, seconds, **changes):
    """Who calls with a token that expired so many seconds ago."""
    claims = {"sub": user.id, "role": "user", "exp": int(time.time()) - seconds, **changes}
    user.headers = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}
    return user


@pytest.mark.parametrize("step", ["finalize", "abort"])
async def test_a_token_that_was_good_when_the_stream_began_will_do_for_its_end(user, ago, step):
    session = str(uuid4())
    await initialize(user, session)
    await ago(session, 40)
    expired(user, 20)
    first = await end(user, session, step)
    assert (first[0], first[1]["creditsUsed"]) == (200, 135)
    assert await end(user, session, step) == first
    assert await user.account() == (9_865, [("hold", 300), ("settle", 135)])


@pytest.mark.parametrize(
    ("began_s", "expired_s", "changes"),
    [
        (40, 50, {}),  # it had expired before
        (LONGEST_S + 30, LONGEST_S, {}),  # no stream takes so long
        (40, 20, {"nbf": int(time.time()) + 600}),
        (40, 20, {"role": "king"}),
        (40, 20, {"exp": "soon"}),
        (40, 20, {"exp": True}),
    ],
)
async def test_any_other_token_will_not(user, ago, began_s, expired_s, changes):
    session = str(uuid4())
    await initialize(user, session)
    await ago(session, began_s)
    expired(user, expired_s, **changes)
    assert [(await end(user, session, step))[0] for step in ("finalize", "abort")] == [401, 401]
    assert await user.account() == (9_700, [("hold", 300)])


async def test_a_stream_begins_before_its_token_is_looked_at_which_may_expire_a_moment_later(
    user, address, monkeypatch
):
    looked, usual = [], AccountingService.caller

    async def caller(self, request):
        looked.append(datetime.now(UTC))
        return await usual(self, request)

    monkeypatch.setattr(AccountingService, "caller", caller)
    await initialize(user, str(uuid4()))
    store = await Store.open(address)
    async with store.begin() as tx:
        (began_at,) = (await tx.execute(select(STREAMING_SESSIONS.c.began_at))).scalars()
    await store.close()
    assert began_at <= looked[0]


async def test_nothing_but_the_end_of_a_stream_is_done_for_an_expired_token(user, ago):
    session = str(uuid4())
    await initialize(user, session)
    await ago(session, 40)
    expired(user, 20)
    assert await initialize(user, session) == 401
    assert (await user.stream(session))[0] == 401
    body = {"userId": user.id, "operation": "streaming", "modelId": MODEL}
    assert (await user.call("POST", "/credits/check", service="accounting", json=body))[0] == 401
    for unknown in (str(uuid4()), "session-17"):
        assert (await end(user, unknown, "abort"))[0] == 401


async def test_another_users_stream_is_not_ended_by_an_expired_token_either(backend, user, ago):
    session, other = str(uuid4()), await backend.user()
    await initialize(user, session)
    await ago(session, 40)
    assert (await end(expired(other, 20), session, "abort"))[0] == 404


async def test_a_hold_that_nobody_ended_is_released_when_the_session_begins_another_stream(user, ago):
    session = str(uuid4())
    await initialize(user, session)
    await ago(session, LONGEST_S - 5)
    assert await initialize(user, session) == 409
    await ago(session, LONGEST_S + 5)
    assert await initialize(user, session) == 201
    assert (await user.account())[1] == [("hold", 300), ("release", 300), ("hold", 300)]
    assert (await end(user, session, "finalize"))[1]["creditsUsed"] == 135
    assert (await user.account())[0] == 9_865


async def test_the_hold_of_another_user_stays(backend, user, ago):
    session, other = str(uuid4()), await backend.user()
    await initialize(user, session)
    await ago(session, LONGEST_S + 5)
    assert await initialize(other, session) == 409
    assert await user.account() == (9_700, [("hold", 300)])


async def test_chat_streams_again_in_a_session_whose_last_stream_nobody_ended(user, ago):
    session = await user.session()
    await initialize(user, session)
    assert (await user.stream(session))[0] == 409
    await ago(session, LONGEST_S + 5)
    assert (await user.stream(session))[1][-1][0] == "done"


async def test_a_session_that_streams_in_another_process_is_busy(start, address, bedrock):
    first, second = await start(DATABASE_URL=address), await start(DATABASE_URL=address)
    user, gate = await first.user(), bedrock.gate(1)
    session = await user.session()
    async with user.open(session) as response:
        assert response.status == 200
        there = type(user)(second, user.id, "")
        there.headers = user.headers
        status, body = await there.stream(session)
        assert (status, body["errorCode"]) == (409, "SESSION_BUSY")
        gate.open()
        assert b"event: done" in await response.read()
    assert (await there.stream(session))[1][-1][0] == "done"
    assert [kind for kind, _ in (await user.account())[1]] == ["hold", "settle"] * 2
