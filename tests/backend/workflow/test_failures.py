"""What clients, ledger and log learn when the provider fails, and whichever of the steps it fails in."""

import asyncio

import aiohttp
import pytest

from harness.backend.workflow.service import PlanService

STEPS = ("create", "send", "list")
TOLD = {
    400: (502, "PROVIDER_REJECTED_MESSAGE"),
    401: (502, "PROVIDER_AUTH_ERROR"),
    403: (502, "PROVIDER_AUTH_ERROR"),
    404: (502, "PROVIDER_SESSION_NOT_FOUND"),
    408: (504, "PROVIDER_TIMEOUT"),
    413: (502, "PROVIDER_REJECTED_MESSAGE"),
    422: (502, "PROVIDER_REJECTED_MESSAGE"),
    424: (503, "PROVIDER_UNAVAILABLE"),
    429: (429, "PROVIDER_RATE_LIMITED"),
    500: (503, "PROVIDER_UNAVAILABLE"),
    529: (503, "PROVIDER_UNAVAILABLE"),
    302: (502, "PROVIDER_INVALID_RESPONSE"),
}
INVALID = (502, "PROVIDER_INVALID_RESPONSE")


async def failed(backend, user):
    """Status and code of a plan that fails as it should: everything about it is checked but those."""
    status, body = await backend.plan(user)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    ledger = await backend.ledger(user)
    assert [entry["kind"] for entry in ledger["entries"]] == ["grant", "hold", "settle", "refund"]
    assert ledger["entries"][-1]["metadata"]["error"] == body["error"]["message"]
    assert ledger["balance"] == 10
    (line,) = await backend.log(user, "plan_failed")
    assert line["stack"]
    assert [row["amount"] for row in await backend.log(user, "refund")] == [5]
    return status, body["error"]["code"]


@pytest.mark.parametrize(("status", "told"), TOLD.items(), ids=map(str, TOLD))
async def test_a_status_of_any_step_has_its_code_and_ends_the_plan(backend, provider, status, told):
    for number, step in enumerate(STEPS, start=1):
        provider.seen, provider.failing = [], {}
        provider.fails(step, status)
        assert await failed(backend, await backend.user()) == told
        assert provider.steps == list(STEPS[:number])


async def test_the_words_of_a_refusal_reach_the_client_without_secrets(backend, user, provider, key):
    provider.fails("send", 400, f"too long for {key}")
    _, body = await backend.plan(user)
    assert body["error"]["message"] == "too long for [redacted]"


@pytest.mark.parametrize(
    ("step", "status", "words", "told"),
    [
        ("create", 404, "Workflow not found.", "The provider does not know the workflow that makes the plans."),
        ("send", 404, "No such session.", "The provider does not know the session."),
        (
            "create",
            400,
            "Unknown parameter: 'input'.",
            "The provider refused to begin a session: Unknown parameter: 'input'.",
        ),
        ("create", 400, "", "The provider refused to begin a session"),
        ("send", 400, "Too long.", "Too long."),
        ("list", 404, "No such session.", "The provider does not know the session."),
    ],
)
async def test_what_goes_wrong_before_there_is_a_session_is_worded_apart(
    backend, user, provider, step, status, words, told
):
    provider.fails(step, status, words)
    _, body = await backend.plan(user)
    assert (body["error"]["code"], body["error"]["message"]) == (TOLD[status][1], told)


@pytest.mark.parametrize(("content_type", "raw"), [("application/json", b""), ("text/plain", b"OK"), ("", b"\xff[]")])
async def test_that_a_message_was_taken_is_said_by_the_status_alone(backend, user, provider, content_type, raw):
    provider.raw["send"] = raw
    provider.content_types["send"] = content_type
    assert (await backend.plan(user))[0] == 201


async def test_the_words_about_the_key_do_not(backend, user, provider, key):
    provider.fails("create", 401, f"Incorrect API key provided: {key}.")
    _, body = await backend.plan(user)
    assert "Incorrect" not in body["error"]["message"]


@pytest.mark.parametrize("value", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_retry_after_is_passed_on(backend, user, provider, value):
    provider.fails("send", 429, headers={"Retry-After": value})
    _, _, headers = await backend.whole(user)
    assert headers["Retry-After"] == value


async def test_no_answer_in_sixty_polls_is_a_time_out(backend, user, provider):
    provider.polls = [[]]
    assert await failed(backend, user) == (504, "PROVIDER_TIMEOUT")
    assert provider.count("list") == 60
    (line,) = await backend.log(user, "plan")
    assert (line["polls"], line["waitedSeconds"], line["status"]) == (60, 118, "failed")
    assert [line["polls"] for line in await backend.log(user, "plan_progress")] == [10, 20, 30, 40, 50, 60]


async def test_an_answer_at_the_last_poll_is_one(backend, user, provider, answered):
    provider.polls = [[]] * 59 + [[answered()]]
    assert (await backend.plan(user))[0] == 201


NO_ANSWERS = {
    "words": "Here you are.",
    "nothing": "",
    "a-list": "[]",
    "no-key": '{"program": {}}',
    "null": '{"client_training_program_enriched": null}',
    "a-text": '{"client_training_program_enriched": "run"}',
    "nan": '{"client_training_program_enriched": {"reps": NaN}}',
    "deep": '{"client_training_program_enriched": ' + "[" * 100_000,
    "empty": '{"client_training_program_enriched": {}}',
    "no-title": '{"client_training_program_enriched": {"sessions": []}}',
    "no-sessions": '{"client_training_program_enriched": {"title": "Run"}}',
    "sessions-of-another-kind": '{"client_training_program_enriched": {"title": "Run", "sessions": {}}}',
    "title-of-another-kind": '{"client_training_program_enriched": {"title": null, "sessions": []}}',
    "half-a-pair": '{"client_training_program_enriched": "\ud800"}',
}


@pytest.mark.parametrize("text", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_an_answer_that_holds_no_programme(backend, user, provider, said, text):
    provider.polls = [[said(text)]]
    assert await failed(backend, user) == INVALID
    assert provider.count("list") == 1


RAW = {"nothing": b"", "words": b"warming up", "a-list": b"[]", "null": b"null", "not-utf8": b'{"id": "\xff"}'}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
async def test_an_answer_of_which_something_is_wanted_and_that_is_no_object(backend, provider, raw):
    for step in ("create", "list"):
        provider.raw = {step: raw}
        assert await failed(backend, await backend.user()) == INVALID


@pytest.mark.parametrize(
    ("step", "raw"),
    [("create", b'{"id": 7}'), ("create", b'{"id": ""}'), ("list", b'{"data": {}}'), ("list", b'{"data": [7]}')],
)
async def test_an_object_that_is_not_what_the_step_is_answered_with(backend, user, provider, step, raw):
    provider.raw[step] = raw
    assert await failed(backend, user) == INVALID


async def test_json_that_is_labelled_as_something_else(backend, user, provider):
    provider.content_type = "text/html"
    assert await failed(backend, user) == INVALID


@pytest.mark.parametrize("step", STEPS)
async def test_a_connection_that_is_reset(backend, user, provider, step):
    provider.reset = step
    assert (await failed(backend, user))[0] in (502, 503)


async def test_a_provider_that_is_not_there(backend, user, provider):
    await provider.stop()
    assert await failed(backend, user) == (503, "PROVIDER_UNREACHABLE")


@pytest.mark.parametrize("step", STEPS)
async def test_a_provider_that_says_nothing(start, provider, step):
    backend = await start(TIMEOUT_FIRST_BYTE_S="0.1")
    user = await backend.user()
    provider.held = step
    assert await failed(backend, user) == (504, "PROVIDER_TIMEOUT")


async def test_a_call_that_takes_too_long_as_a_whole(start, provider):
    backend = await start(TIMEOUT_WHOLE_CALL_S="0.1")
    user = await backend.user()
    provider.held = "send"
    assert await failed(backend, user) == (504, "PROVIDER_TIMEOUT")


@pytest.mark.parametrize("step", STEPS)
async def test_a_client_that_leaves_has_the_provider_asked_no_more_and_its_credits_back(backend, user, provider, step):
    provider.held = step
    calling = asyncio.ensure_future(backend.plan(user))
    await provider.arrived.wait()
    asked = len(provider.seen)
    calling.cancel()
    await provider.left.wait()
    assert await backend.kinds(user) == ["grant", "hold", "settle", "refund"]
    assert len(provider.seen) == asked
    (line,) = await backend.log(user, "plan")
    assert (line["status"], line["httpStatus"]) == ("client-left", None)


async def test_shut_down_ends_the_wait_between_two_polls(start, provider):
    provider.polls = [[]]
    backend = await start(CLOCK="real", POLL_INTERVAL_S="60", TIMEOUT_DRAIN_S="0.4")
    user = await backend.user()
    provider.held = "list"
    calling = asyncio.ensure_future(backend.plan(user))
    await provider.arrived.wait()
    provider.gate.set()
    backend.stop.set()
    status, body = await calling
    assert (status, body["error"]["code"]) == (503, "SHUTTING_DOWN")
    assert provider.count("list") == 1


async def test_a_plan_that_is_cut_off_is_refunded_before_the_store_closes(start, provider, monkeypatch, tmp_path):
    async def deaf(self, plan, flight):
        await self.planner.make(plan)

    monkeypatch.setattr(PlanService, "generate", deaf)
    url = f"sqlite:///{tmp_path / 'kept.sqlite3'}"
    provider.held = "list"
    backend = await start(TIMEOUT_DRAIN_S="0.1", DATABASE_URL=url)
    user = await backend.user()
    calling = asyncio.ensure_future(backend.plan(user))
    await provider.arrived.wait()
    backend.stop.set()
    with pytest.raises(aiohttp.ClientConnectionError):
        await calling
    await backend.end()
    again = await start(DATABASE_URL=url)
    assert await again.kinds(user) == ["grant", "hold", "settle", "refund"]
