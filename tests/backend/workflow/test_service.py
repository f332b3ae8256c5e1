"""A plan that works: the three steps, the answer, the charge, the row, the log."""

import asyncio
import json
from uuid import UUID

import pytest

KEY = "client_training_program_enriched"


async def test_a_plan_is_made_in_three_steps(backend, user, provider, programme, asked):
    status, body = await backend.plan(user)
    assert (status, set(body)) == (201, {"id", KEY})
    assert body[KEY] == programme
    assert UUID(body["id"]).version == 4
    assert provider.steps == ["create", "send", "list", "list"]
    (_, _, _, session), (_, path, _, message), (_, polled, _, nothing), _ = provider.seen
    assert session == {"workflow": {"id": "wf_1"}, "user": user.id}
    assert path == "/v1/chatkit/sessions/cksess_1/messages"
    assert (message["role"], message["content"][0]["type"]) == ("user", "input_text")
    assert json.loads(message["content"][0]["text"]) == asked
    assert (polled, nothing) == (f"{path}?limit=50&order=desc", None)


async def test_every_step_bears_the_key_and_the_beta_header(backend, user, provider, key):
    await backend.plan(user)
    for step, _, headers, _ in provider.seen:
        assert headers["Authorization"] == f"Bearer {key}", step
        assert headers["OpenAI-Beta"] == "chatkit_beta=v1", step
        assert not {name for name in headers if name.lower().startswith(("openai-org", "openai-project"))}


async def test_a_plan_costs_five_credits(backend, user):
    await backend.plan(user)
    ledger = await backend.ledger(user)
    assert [entry["kind"] for entry in ledger["entries"]] == ["grant", "hold", "settle"]
    assert ledger["balance"] == 5


async def test_too_few_credits_never_reach_the_provider(backend, provider):
    user = await backend.user(credits=4)
    status, body = await backend.plan(user)
    assert (status, body["error"]["code"]) == (402, "INSUFFICIENT_CREDITS")
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen


async def test_the_first_poll_comes_at_once_and_each_other_after_the_interval(backend, user, provider, answered):
    provider.polls = [[]] * 3 + [[answered()]]
    await backend.plan(user)
    (line,) = await backend.log(user, "plan")
    assert (line["polls"], line["waitedSeconds"]) == (4, 6)


async def test_the_interval_is_a_setting_and_real_where_the_clock_is(start, provider, answered):
    provider.polls = [[]] * 4 + [[answered()]]
    backend = await start(CLOCK="real", POLL_INTERVAL_S="0.02")
    user = await backend.user()
    began_s = asyncio.get_running_loop().time()
    assert (await backend.plan(user))[0] == 201
    assert asyncio.get_running_loop().time() - began_s >= 4 * 0.02
    (line,) = await backend.log(user, "plan")
    assert line["waitedSeconds"] == pytest.approx(0.08)


async def test_the_newest_answer_counts_and_only_blocks_that_hold_one(backend, user, provider, answered, said):
    block = {"type": "text", "text": json.dumps({KEY: {"title": "newest", "sessions": []}})}
    newest = {**said("thinking", kind="progress"), "content": [{"type": "progress", "text": "thinking"}, block]}
    provider.polls = [
        [said("me", role="user", kind="output_text"), newest, answered({"title": "older", "sessions": []})]
    ]
    assert (await backend.plan(user))[1][KEY] == {"title": "newest", "sessions": []}


@pytest.mark.parametrize(
    "junk",
    [{}, {"role": 7}, {"role": "assistant"}, {"role": "assistant", "content": "text"}],
    ids=["empty", "odd-role", "no-content", "content-text"],
)
async def test_messages_of_any_shape_are_waited_through(backend, user, provider, answered, junk):
    odd = {"role": "assistant", "content": [None, 7, {"type": "output_text"}, {"type": "output_text", "text": 7}]}
    provider.polls = [[junk, odd], [answered(), junk]]
    assert (await backend.plan(user))[0] == 201
    assert provider.count("list") == 2


async def test_a_session_id_stays_one_segment_of_the_address(backend, user, provider):
    provider.session = "a/b?c"
    assert (await backend.plan(user))[0] == 201
    assert {path.partition("?")[0] for _, path, _, _ in provider.seen[1:]} == {
        "/v1/chatkit/sessions/a%2Fb%3Fc/messages"
    }


async def test_progress_is_logged_every_ten_polls(backend, user, provider, answered):
    provider.polls = [[]] * 25 + [[answered()]]
    await backend.plan(user)
    lines = await backend.log(user, "plan_progress")
    assert [(line["polls"], line["waitedSeconds"]) for line in lines] == [(10, 18), (20, 38)]


async def test_plans_at_once_do_not_mix(backend, provider):
    user = await backend.user(credits=40)
    answers = await asyncio.gather(*(backend.plan(user) for _ in range(8)))
    assert {status for status, _ in answers} == {201}
    assert len({body["id"] for _, body in answers}) == 8
    assert provider.count("create") == provider.count("send") == 8


async def test_no_line_of_the_log_holds_what_was_asked_or_the_key(backend, user, key):
    await backend.plan(user)
    _, log = await backend.probe("GET", "/log", params={"user": user.id})
    assert not any(word in line for line in log["lines"] for word in (key, "goals", "Ünï"))


async def test_any_other_address_is_answered_in_the_same_shape(backend, user):
    async with backend.session.get(f"{backend.url}/training/plans", headers=user.auth) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        assert (await response.json())["error"]["code"] == "METHOD_NOT_ALLOWED"
    async with backend.session.get(f"{backend.url}/nothing") as response:
        assert (await response.json())["error"]["code"] == "NOT_FOUND"


async def test_the_connection_to_chatkit_is_counted_as_a_providers(backend, user):
    _, before = await backend.probe("GET", "/resources")
    await backend.plan(user)
    _, after = await backend.probe("GET", "/resources")
    assert after["provider_connections"] - before["provider_connections"] == 1
