"""Runs over HTTP, with nothing wrong with the provider."""

import asyncio
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

REFUND = "AI generation failed - refund"
OWN = ("llama-3.1-8b-instant", "llama-3.3-70b-versatile", "mixtral-8x7b-32768", "gemma-7b-it")
MAPPED = {
    "gpt-3.5-turbo": "llama-3.1-8b-instant",
    "gpt-4o-mini": "llama-3.1-8b-instant",
    "gpt-4.1-mini": "llama-3.1-8b-instant",
    "gpt-4": "llama-3.3-70b-versatile",
    "gpt-4-turbo": "llama-3.3-70b-versatile",
    "gpt-4o": "llama-3.3-70b-versatile",
}


async def test_a_run_is_answered_charged_and_logged(backend, user, provider):
    status, body = await backend.run(user, {"input": "Say something", "model": "gpt-4o"})
    assert status == 201
    assert set(body) == {"run", "credits_used", "credits_remaining"}
    run = body["run"]
    assert set(run) == {"id", "input", "output", "model", "created_at"}
    assert (run["input"], run["output"], run["model"]) == ("Say something", "The sea.", "gpt-4o")
    assert str(UUID(run["id"])) == run["id"]
    created = datetime.fromisoformat(run["created_at"])
    assert created.tzinfo is not None
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60
    assert (body["credits_used"], body["credits_remaining"]) == (1, 9)
    ledger = await backend.ledger(user)
    assert [entry["kind"] for entry in ledger["entries"]] == ["grant", "hold", "settle"]
    assert ledger["balance"] == 9
    (line,) = await backend.log(user)
    assert {"event": "run", "model": "gpt-4o", "mappedModel": MAPPED["gpt-4o"], "status": "completed"}.items() <= (
        line.items()
    )
    assert (line["inputLength"], line["outputLength"], line["runId"]) == (13, 8, run["id"])
    assert (line["userId"], line["projectId"]) == (user.id, user.project)


async def test_the_provider_is_asked_once_with_the_parameters_of_every_run(backend, user, provider):
    await backend.run(user, {"input": " \n Say something \t", "model": "gpt-4o"})
    assert [one["body"] for one in provider.seen] == [
        {
            "model": "llama-3.3-70b-versatile",
            "messages": [{"role": "user", "content": "Say something"}],
            "max_tokens": 1000,
            "temperature": 0.7,
        }
    ]
    assert provider.seen[0]["headers"]["Authorization"].startswith("Bearer gsk_")


@pytest.mark.parametrize(("asked", "called"), [*MAPPED.items(), *zip(OWN, OWN, strict=True)])
async def test_models_are_mapped_and_echoed_as_asked(backend, user, provider, asked, called):
    status, body = await backend.run(user, {"input": "x", "model": asked})
    assert (status, body["run"]["model"], provider.asked["model"]) == (201, asked, called)


async def test_without_a_model_the_default_is_taken(start, provider):
    for configured, name, called in (
        (None, OWN[0], OWN[0]),
        ("gpt-4", "gpt-4", OWN[1]),
        ("made-up", "made-up", "made-up"),
    ):
        backend = await start(GROQ_DEFAULT_MODEL=configured)
        _, body = await backend.run(await backend.user(), {"input": "x"})
        assert (body["run"]["model"], provider.asked["model"]) == (name, called)


async def test_a_wrong_default_reaches_the_provider_and_comes_back_as_its_404(start, provider):
    backend = await start(GROQ_DEFAULT_MODEL="made-up")
    user = await backend.user()
    provider.fails(404, "gone")
    status, body = await backend.run(user, {"input": "x"})
    assert (status, provider.asked["model"]) == (500, "made-up")
    assert body["error"] == "Model 'made-up' not found. Please check model name or use a supported model."
    assert body["details"]["model"] == "made-up"


@pytest.mark.parametrize("model", ["gpt-5", "", "GPT-4", " gpt-4", "a\ud800b", "x\0", "llama-3.1-8b-instantPORT=4000"])
async def test_an_unknown_model_is_refused_by_name_and_costs_nothing(backend, user, provider, model):
    status, body = await backend.run(user, {"input": "x", "model": model})
    assert (status, body) == (400, {"error": f"Invalid model name: {model}"})
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen


async def test_credit_is_checked_before_the_provider_is_called(backend, provider):
    user = await backend.user(credits=1)
    assert (await backend.run(user))[0] == 201
    status, body = await backend.run(user)
    assert (status, body["code"]) == (402, "INSUFFICIENT_CREDITS")
    assert set(body) == {"error", "code"}
    assert len(provider.seen) == 1
    assert await backend.kinds(user) == ["grant", "hold", "settle"]
    assert [line["httpStatus"] for line in await backend.log(user, "run_refused")] == [402]


async def test_a_balance_pays_for_no_more_runs_than_it_covers(backend, provider):
    user = await backend.user(credits=3)
    answers = await asyncio.gather(*(backend.run(user) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [201] * 3 + [402] * 5
    assert sorted(body["credits_remaining"] for status, body in answers if status == 201) == [0, 1, 2]
    assert len(provider.seen) == 3
    assert (await backend.ledger(user))["balance"] == 0


async def test_a_project_that_is_absent_foreign_or_no_id_is_not_found_all_alike(backend, user, provider, unknown_id):
    other = await backend.user()
    odd = ("1", "not-a-uuid", "%00", "%FF", "a%2Fb", user.project.replace("-", ""), user.project + "0", "' OR 1=1")
    answers = [await backend.run(user, project=project) for project in (other.project, unknown_id, *odd)]
    assert answers == [(404, {"error": "Project not found"})] * len(answers)
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen


async def test_a_project_is_found_by_its_id_in_capitals(backend, user):
    assert (await backend.run(user, project=user.project.upper()))[0] == 201


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Bearer abc.def.ghi"])
async def test_whoever_has_no_token_gets_401_with_a_challenge(backend, user, provider, header):
    url = f"{backend.url}/api/projects/{user.project}/runs"
    headers = {} if header is None else {"Authorization": header}
    async with backend.session.post(url, json={"input": "x"}, headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        assert set(await response.json()) == {"error"}
    assert not provider.seen


async def test_a_token_that_is_over_too_early_or_of_nobody_is_refused(backend, user, unknown_id):
    for claims in ({"exp": 1}, {"nbf": 4_000_000_000}, {"sub": unknown_id}, {"sub": "junk"}, {"role": "god"}):
        headers = {"Authorization": f"Bearer {backend.token(user, **claims)}"}
        assert (await backend.run(user, headers=headers))[0] == 401
    headers = {"Authorization": f"Bearer {backend.token(user)}"}
    assert (await backend.run(user, headers=headers))[0] == 201


async def test_other_routes_and_methods_are_worded_alike(backend):
    async with backend.session.get(f"{backend.url}/nowhere") as response:
        assert (response.status, await response.json()) == (404, {"error": "Not Found"})
    async with backend.session.get(f"{backend.url}/api/projects/x/runs") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        assert await response.json() == {"error": "Method Not Allowed"}


async def test_both_systems_are_served_at_once_each_on_its_port(start):
    backend = await start(systems=("gateway", "runs"))
    assert len({*backend.addresses.values()}) == 3
    user = await backend.user()
    assert (await backend.run(user))[0] == 201
    chat = {"model": "llama-3.1-8b-instant", "messages": [{"role": "user", "content": "x"}]}
    url = f"{backend.addresses['gateway']}/v1/chat/completions"
    async with backend.session.post(url, json=chat, headers=user.auth) as response:
        assert response.status == 200


async def test_a_completed_run_is_kept(start, tmp_path):
    from harness.backend.store import RUNS, Store

    url = f"sqlite:///{tmp_path / 'kept.sqlite3'}"
    backend = await start(DATABASE_URL=url)
    user = await backend.user()
    _, body = await backend.run(user, {"input": " x ", "model": "gpt-4"})
    store = await Store.open(url)
    async with store.begin() as tx:
        (row,) = (await tx.execute(select(RUNS))).all()
    await store.close()
    assert (str(row.id), str(row.project_id)) == (body["run"]["id"], user.project)
    assert (row.model, row.mapped_model, row.input, row.output) == ("gpt-4", MAPPED["gpt-4"], "x", "The sea.")
    assert row.created_at.isoformat(timespec="milliseconds") == re.sub("Z$", "+00:00", body["run"]["created_at"])
