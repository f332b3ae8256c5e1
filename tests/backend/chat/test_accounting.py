"""Accounting called directly, on each kind of database: what it holds, settles, and refuses."""

import asyncio
from decimal import Decimal
from fractions import Fraction
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from harness.backend.accounting.ledger import StreamLedger
from harness.backend.accounting.pricing import StreamPricing
from harness.backend.accounting.request import HoldAsk
from harness.backend.accounting.rows import StreamingRows
from harness.backend.accounting.service import AccountingService
from harness.backend.gateway.tokens import TOKENS_MAX
from harness.backend.store import STREAMING_SESSIONS, Store

MODEL = "amazon.nova-lite-v1:0"  # 3/20 of a credit a token


@pytest.fixture
async def backend(start, address):
    return await start(DATABASE_URL=address)


class Service:
    """Accounting as one user calls it."""

    def __init__(self, user):
        self.user = user

    async def post(self, path, body):
        return await self.user.call("POST", path, service="accounting", json=body)

    async def check(self, **changes):
        body = {"userId": self.user.id, "operation": "streaming", "modelId": MODEL, **changes}
        return await self.post("/credits/check", body)

    async def initialize(self, session, **changes):
        body = {"sessionId": session, "userId": self.user.id, "modelId": MODEL, "estimatedTokens": 2000, **changes}
        body = {name: value for name, value in body.items() if value is not ...}
        return await self.post("/streaming-sessions/initialize", body)

    async def finalize(self, session, tokens=900):
        return await self.post(f"/streaming-sessions/{session}/finalize", {"actualTokens": tokens})

    async def abort(self, session, tokens=300):
        return await self.post(f"/streaming-sessions/{session}/abort", {"tokensDelivered": tokens})


@pytest.fixture
def service(user):
    return Service(user)


def told(session, status, tokens, credits):
    return 200, {"sessionId": session, "status": status, "tokens": tokens, "creditsUsed": credits}


async def test_a_check_says_whether_there_is_anything(backend, service):
    assert await service.check() == (200, {"allowed": True, "balance": 10_000})
    assert await Service(await backend.user(credits=0)).check() == (200, {"allowed": False, "balance": 0})


async def test_a_stream_is_held_for_and_settled_at_what_it_used(service):
    session = str(uuid4())
    assert await service.initialize(session) == (201, {"sessionId": session, "heldCredits": 300})
    assert await service.finalize(session) == told(session, "finalized", 900, 135)
    assert await service.user.account() == (9_865, [("hold", 300), ("settle", 135)])


async def test_a_stream_that_was_broken_off_costs_what_was_delivered_whatever_was_held(service):
    for tokens, estimate, cost in ((300, 2000, 45), (0, 2000, 0), (9_000, 2000, 1_350), (9_000, 1, 1_350)):
        session = str(uuid4())
        await service.initialize(session, estimatedTokens=estimate)
        assert await service.abort(session, tokens) == told(session, "aborted", tokens, cost)
    assert [entry for entry in (await service.user.account())[1] if entry[0] != "hold"] == [
        ("settle", 45),
        ("release", 300),
        ("settle", 1_350),
        ("settle", 1_350),
    ]


@pytest.mark.parametrize("end", ["finalize", "abort"])
async def test_what_cannot_be_charged_is_written_down(backend, end):
    service, session = Service(await backend.user(credits=310)), str(uuid4())
    await service.initialize(session, estimatedTokens=1)
    status, body = await getattr(service, end)(session, 9_000)
    assert (status, body["creditsUsed"]) == (200, 310)
    found = await backend.ask("/ledger", user=service.user.id, wait_s="10")
    assert (found["balance"], [one["shortfall"] for one in found["entries"]]) == (0, [0, 0, 1_350 - 310])


@pytest.fixture
async def unwritable(address, service):
    """A database that can keep holds, and not what a stream's are for."""
    store = await Store.open(address)
    async with store.begin() as tx:
        await tx.execute(text(f"ALTER TABLE {STREAMING_SESSIONS.name} RENAME TO elsewhere"))
    yield
    async with store.begin() as tx:
        await tx.execute(text(f"ALTER TABLE elsewhere RENAME TO {STREAMING_SESSIONS.name}"))
    await store.close()


async def test_where_the_database_fails_between_the_hold_and_what_it_is_for_nothing_is_held(service, unwritable):
    assert (await service.initialize(str(uuid4())))[0] == 500
    assert await service.user.account() == (10_000, [])


async def test_a_second_stream_of_a_session_leaves_no_mark(service):
    session = str(uuid4())
    await service.initialize(session)
    assert (await service.initialize(session))[0] == 409
    assert await service.user.account() == (9_700, [("hold", 300)])


class Waiting(StreamLedger):
    """Places a hold when the gate is open."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def hold(self, ask):
        self.asked.set()
        await self.gate.wait()
        return await super().hold(ask)


async def test_a_hold_of_whose_placing_nobody_is_told_is_released(accounts, store):
    ledger = Waiting(accounts, StreamPricing({MODEL: Decimal(100)}, Fraction(3, 2)), StreamingRows(store))
    known = dict.fromkeys(("authenticator", "flights", "validator", "errors", "log"))
    service = AccountingService(accounts=accounts, ledger=ledger, **known)
    user = await accounts.create(1_000, "free", "user")
    placing = asyncio.create_task(service.place(HoldAsk(uuid4(), user, MODEL, 2000)))
    await ledger.asked.wait()
    placing.cancel()
    ledger.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await placing
    assert (await accounts.balance(user), await accounts.open_holds()) == (1_000, 0)


async def test_tokens_up_to_what_is_sane_are_taken_and_no_more(service):
    session = str(uuid4())
    assert (await service.initialize(session, estimatedTokens=TOKENS_MAX + 1))[0] == 400
    await service.initialize(session, estimatedTokens=1)
    assert (await service.finalize(session, TOKENS_MAX + 1))[0] == 400
    assert await service.finalize(session, TOKENS_MAX) == told(session, "finalized", TOKENS_MAX, 10_000)


async def test_a_stream_that_used_more_than_was_held_takes_from_what_is_left(backend):
    service, session = Service(await backend.user(credits=310)), str(uuid4())
    await service.initialize(session)
    assert await service.finalize(session, 10_000) == told(session, "finalized", 10_000, 310)
    assert (await service.user.account())[0] == 0


async def test_whoever_ends_a_stream_again_reads_the_same_and_pays_nothing(service):
    session = str(uuid4())
    await service.initialize(session)
    first = await service.finalize(session)
    assert [await service.finalize(session, 1), await service.abort(session, 1)] == [first, first]
    assert await service.user.account() == (9_865, [("hold", 300), ("settle", 135)])


async def test_of_those_who_end_a_stream_at_once_one_counts(service):
    for _ in range(3):
        session = str(uuid4())
        await service.initialize(session)
        ends = [service.finalize(session), service.abort(session), service.abort(session, 0)]
        answers = await asyncio.gather(*ends, *(service.finalize(session) for _ in range(3)))
        assert all(answer == answers[0] for answer in answers)
        assert answers[0] in (
            told(session, "finalized", 900, 135),
            told(session, "aborted", 300, 45),
            told(session, "aborted", 0, 0),
        )
    entries = (await service.user.account())[1]
    assert [kind for kind, _ in entries].count("hold") == 3
    assert len(entries) == 6


async def test_a_session_has_one_open_stream_and_any_number_one_after_the_other(service):
    session = str(uuid4())
    answers = await asyncio.gather(*(service.initialize(session) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    await service.abort(session, 0)
    assert (await service.initialize(session))[0] == 201
    assert await service.finalize(session) == told(session, "finalized", 900, 135)
    assert (await service.user.account())[0] == 9_865


async def test_streams_at_once_hold_what_the_balance_covers(backend):
    service = Service(await backend.user(credits=1_000))
    answers = await asyncio.gather(*(service.initialize(str(uuid4())) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [201] * 3 + [402] * 5
    assert {body["errorCode"] for status, body in answers if status == 402} == {"INSUFFICIENT_CREDITS"}
    assert (await service.user.account())[0] == 100


BAD = (
    ({"sessionId": ...}, "sessionId"),
    ({"userId": ...}, "userId"),
    ({"modelId": ...}, "modelId"),
    ({"estimatedTokens": ...}, "estimatedTokens"),
    ({"estimatedTokens": "2000"}, "estimatedTokens"),
    ({"estimatedTokens": True}, "estimatedTokens"),
    ({"estimatedTokens": 0}, "estimatedTokens"),
    ({"estimatedTokens": 2**63}, "estimatedTokens"),
    ({"modelId": "nobody-has-this"}, "modelId"),
    ({"sessionId": "session-17"}, "sessionId"),
    ({"userId": 7}, "userId"),
)


async def test_a_field_that_is_missing_or_of_the_wrong_type_is_named(service):
    for change, field in BAD:
        status, body = await service.initialize(str(uuid4()), **change)
        assert (status, body["errorCode"], body["field"]) == (400, "INVALID_REQUEST", field), change
        assert field in body["message"]
    assert (await service.user.account())[1] == []


async def test_another_users_account_and_stream_are_not_ours(backend, service):
    other, session = Service(await backend.user()), str(uuid4())
    await other.initialize(session)
    assert (await service.initialize(str(uuid4()), userId=other.user.id))[0] == 403
    assert (await service.check(userId=other.user.id))[0] == 403
    assert (await service.finalize(session))[0] == 404
    assert (await service.abort(session))[0] == 404
    assert await other.user.account() == (9_700, [("hold", 300)])
    await other.abort(session, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.text(min_size=1, max_size=50))
async def test_an_id_that_is_none_is_not_found_and_never_reaches_the_database(service, user, supervisor, junk):
    quoted = "".join(f"%{byte:02X}" for byte in junk.encode("utf-8", "surrogatepass"))
    if junk in (".", ".."):
        return  # the path has lost a segment before it is sent
    for path in (f"/streaming-sessions/{quoted}/abort", f"/streaming-sessions/{quoted}/finalize"):
        status, body = await service.post(path, {"tokensDelivered": 1, "actualTokens": 1})
        assert (status, isinstance(body["message"], str)) == (404, True), junk
    for method, path in (("POST", "/stream"), ("DELETE", "")):
        body = {"message": "x", "modelId": MODEL} if path else None
        status, _ = await user.call(method, f"/chat/sessions/{quoted}{path}", json=body)
        assert status == 404, junk
    for looking, wanted in ((supervisor, 404), (user, 403)):
        status, body = await looking.call("GET", f"/chat/sessions/{quoted}/observe")
        assert (status, isinstance(body["message"], str)) == (wanted, True), junk


async def test_a_stream_is_streamed_charged_and_kept(user):
    session = await user.session()
    status, events = await user.stream(session)
    assert (status, events[-1][0]) == (200, "done")
    balance, entries = await user.account()
    assert balance == 10_000 - entries[1][1]
    assert await user.call("DELETE", f"/chat/sessions/{session}") == (204, None)
    assert (await user.stream(session))[0] == 410
