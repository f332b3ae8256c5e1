"""What clients, ledger and log learn when the provider fails, or the client leaves."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest

REASON = "AI generation failed - refund"
AUTH = "LLM API authentication failed. Please check API key configuration."
DOWN = "LLM service is temporarily unavailable. Please try again later."
LOST = "Cannot connect to LLM service. Please check your network connection."
OTHER = "Failed to generate AI response: "
STATUSES = {
    400: "LLM API error: no",
    401: AUTH,
    403: AUTH,
    404: "Model 'gpt-4o' not found. Please check model name or use a supported model.",
    429: "Rate limit exceeded. Please try again later.",
    500: DOWN,
    502: DOWN,
    503: DOWN,
    529: DOWN,
    302: OTHER + "the provider answered 302",
    408: OTHER + "the provider answered 408",
    422: OTHER + "the provider answered 422",
}
ASKED = {"input": "Hello", "model": "gpt-4o"}


def message(content):
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}


async def assert_refunded_once(backend, user, told):
    ledger = await backend.ledger(user)
    assert [entry["kind"] for entry in ledger["entries"]] == ["grant", "hold", "settle", "refund"]
    settled, refund = ledger["entries"][2:]
    assert (refund["amount"], refund["delta"], refund["hold_id"]) == (1, 1, settled["hold_id"])
    assert refund["reason"] == REASON
    assert refund["metadata"] == {"model": "gpt-4o", "project_id": user.project, "error": told}
    assert ledger["balance"] == 10


async def failed(backend, user):
    """The message of a run that fails as it should: everything about it is checked but the message."""
    status, body = await backend.run(user, ASKED)
    assert (status, body["code"], set(body)) == (500, "AI_GENERATION_ERROR", {"error", "code", "details"})
    assert set(body["details"]) == {"model", "timestamp"}
    assert body["details"]["model"] == "gpt-4o"
    age_s = (datetime.now(UTC) - datetime.fromisoformat(body["details"]["timestamp"])).total_seconds()
    assert -1 < age_s < 60
    await assert_refunded_once(backend, user, body["error"])
    return body["error"]


@pytest.mark.parametrize(("status", "told"), STATUSES.items())
async def test_each_status_of_the_provider_has_its_message(backend, user, provider, status, told):
    provider.fails(status, "no", type="some_type", code="some_code")
    assert await failed(backend, user) == told
    assert len(provider.seen) == 1
    (line,) = await backend.log(user, "run_failed")
    assert (line["status"], line["type"], line["code"]) == (status, "some_type", "some_code")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"not json", "cannot be read"),
        (b"", "cannot be read"),
        (b"[]", "not a JSON object"),
        (b'"words"', "not a JSON object"),
        (b"\xff{}", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"{}", "no choices"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": 5}', "not a list"),
        (b'{"choices": [5]}', "not a list"),
        (b'{"choices": [{}]}', "not an object with a text"),
        (json.dumps(message(5)).encode(), "not an object with a text"),
        (json.dumps(message(None)).encode(), "no words"),
        (json.dumps(message("")).encode(), "no words"),
        (json.dumps(message("a\0b")).encode(), "cannot be stored"),
        (json.dumps(message("a\ud800b")).encode(), "cannot be stored"),
    ],
)
async def test_an_answer_that_is_none_is_told_with_its_reason(backend, user, provider, raw, reason):
    provider.raw = raw
    told = await failed(backend, user)
    assert told.startswith(OTHER)
    assert reason in told


async def test_an_answer_of_another_type_is_none(backend, user, provider):
    provider.content_type = "text/html"
    assert (await failed(backend, user)).startswith(OTHER)


async def test_an_answer_that_breaks_off_is_none(backend, user, provider):
    provider.torn = True
    assert (await failed(backend, user)).startswith(OTHER)


async def test_a_provider_that_resets_before_it_answers_cannot_be_reached(backend, user, provider):
    provider.reset = True
    assert await failed(backend, user) == LOST


async def test_a_provider_that_refuses_connections_cannot_be_reached(backend, user, provider):
    await provider.stop()
    assert await failed(backend, user) == LOST


async def test_a_host_that_is_not_found_cannot_be_reached(start):
    backend = await start(GROQ_API_URL="http://provider.invalid/openai/v1")
    assert await failed(backend, await backend.user()) == LOST


@pytest.mark.parametrize("limit", ["TIMEOUT_FIRST_BYTE_S", "TIMEOUT_WHOLE_CALL_S"])
async def test_a_provider_that_does_not_answer_is_waited_for_up_to_each_limit(start, provider, limit):
    provider.gate = asyncio.Event()
    backend = await start(**{limit: "0.05"})
    assert await failed(backend, await backend.user()) == LOST
    await provider.left.wait()


async def test_an_answer_that_stops_half_way_is_waited_for_up_to_its_limit(start, provider):
    provider.stalls = True
    backend = await start(TIMEOUT_BETWEEN_SEGMENTS_S="0.05")
    assert await failed(backend, await backend.user()) == LOST


async def test_a_400_without_words_says_so_in_ours(backend, user, provider):
    provider.status, provider.raw = 400, b""
    assert await failed(backend, user) == "LLM API error: the provider answered 400"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_a_key_in_the_providers_words_goes_nowhere(backend, user, provider, key, status):
    provider.fails(status, f"Incorrect API key provided: {key}. See https://user:pass@host/", type=key)
    told = await failed(backend, user)
    lines = (await backend.probe("GET", "/log", params={"user": user.id}))[1]["lines"]
    ledger = await backend.ledger(user)
    assert len(lines) == 3
    assert key not in told + json.dumps(lines) + json.dumps(ledger)


async def test_the_log_has_the_failure_and_the_refund(backend, user, provider):
    provider.fails(429, "too fast", type="tokens", code="rate_limit_exceeded")
    await failed(backend, user)
    problem, refund, run = await backend.log(user)
    assert [line["event"] for line in (problem, refund, run)] == ["run_failed", "refund", "run"]
    assert "too fast" in problem["message"]
    assert "UpstreamError" in problem["stack"]
    assert (problem["model"], problem["inputLength"]) == ("gpt-4o", 5)
    assert (problem["status"], problem["type"], problem["code"]) == (429, "tokens", "rate_limit_exceeded")
    assert (refund["amount"], refund["userId"], refund["runId"]) == (1, user.id, run["runId"])
    assert (run["status"], run["httpStatus"], run["outputLength"]) == ("failed", 500, 0)


async def test_a_client_that_leaves_gets_its_credit_back_and_the_call_is_cancelled(backend, user, provider):
    provider.gate = asyncio.Event()
    calling = asyncio.ensure_future(backend.run(user, ASKED))
    await provider.arrived.wait()
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling
    await asyncio.wait_for(provider.left.wait(), 10)
    await assert_refunded_once(backend, user, "The client left before the answer.")
    refund, run = await backend.log(user)
    assert (refund["event"], refund["amount"]) == ("refund", 1)
    assert (run["event"], run["status"], run["httpStatus"]) == ("run", "client-left", None)


async def test_a_run_that_shut_down_cuts_short_is_refunded_and_told_so(start, provider, tmp_path):
    provider.gate = asyncio.Event()
    url = f"sqlite:///{tmp_path / 'kept.sqlite3'}"
    backend = await start(TIMEOUT_DRAIN_S="0.2", DATABASE_URL=url)
    user = await backend.user()
    calling = asyncio.ensure_future(backend.run(user))
    await provider.arrived.wait()
    backend.stop.set()
    assert await calling == (503, {"error": "The service is shutting down.", "code": "SHUTTING_DOWN"})
    again = await start(DATABASE_URL=url)
    assert await again.kinds(user) == ["grant", "hold", "settle", "refund"]


async def test_a_run_whose_row_cannot_be_written_is_our_failure_and_refunded(start, monkeypatch):
    from sqlalchemy.exc import OperationalError

    from harness.backend.runs.rows import RunRows

    async def broken(self, run):
        raise OperationalError("insert", {}, Exception("disk full"))

    monkeypatch.setattr(RunRows, "write", broken)
    backend = await start()
    user = await backend.user()
    status, body = await backend.run(user)
    assert (status, body) == (500, {"error": "The run could not be completed.", "code": "INTERNAL_ERROR"})
    assert await backend.kinds(user) == ["grant", "hold", "settle", "refund"]
    assert (await backend.ledger(user))["balance"] == 10
    assert "disk full" in (await backend.log(user, "run_failed"))[0]["message"]


async def test_a_refund_that_fails_is_in_the_log_and_the_client_hears_of_the_first_failure(
    start, provider, monkeypatch
):
    from harness.backend.accounts import Accounts

    async def broken(self, hold_id, **more):
        raise OSError("no store")

    monkeypatch.setattr(Accounts, "refund", broken)
    provider.fails(429)
    backend = await start()
    user = await backend.user()
    status, body = await backend.run(user)
    assert (status, body["error"]) == (500, STATUSES[429])
    (line,) = await backend.log(user, "refund_failed")
    assert "no store" in line["message"]


async def test_a_charge_that_breaks_off_half_way_releases_its_hold(start, provider, monkeypatch):
    from harness.backend.accounts import Accounts

    async def broken(self, hold_id, price, **more):
        raise OSError("no store")

    monkeypatch.setattr(Accounts, "settle", broken)
    backend = await start()
    user = await backend.user()
    assert (await backend.run(user))[0] == 500
    assert await backend.kinds(user) == ["grant", "hold", "release"]
    assert not provider.seen


async def test_nothing_is_left_behind_by_runs_that_fail_and_clients_that_leave(backend, user, provider):
    async def leave():
        provider.arrived.clear()
        calling = asyncio.ensure_future(backend.run(user))
        await provider.arrived.wait()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await backend.ledger(user)

    async def round_of_runs():
        provider.gate = None
        await backend.run(user)
        provider.fails(500)
        await backend.run(user)
        provider.gate = asyncio.Event()
        await leave()
        provider.gate.set()
        return (await backend.probe("GET", "/resources"))[1]

    first = await round_of_runs()
    last = [await round_of_runs() for _ in range(5)][-1]
    assert (last["open_holds"], last["in_flight"], last["client_sessions"]) == (0, 0, 1)
    assert last["provider_connections"] <= first["provider_connections"] + 1
    assert last["threads"] == first["threads"]
