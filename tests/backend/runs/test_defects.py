"""Each defect of runs is wrong in the way that it says, and that a client, the probe or the provider can see."""

import asyncio
import json
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import pytest

from harness.backend.configuration import Configuration
from harness.backend.defects import DEFECTS, defective

ASKED = {"input": "Hello", "model": "gpt-4o"}


@pytest.fixture
def failing(provider):
    """The provider refuses, in words that quote the key."""

    def fail(status=429, words="no"):
        provider.fails(status, words)

    return fail


async def begun(start, defect):
    backend = await start(defect)
    return backend, await backend.user()


async def refunds(backend, user):
    return [entry for entry in (await backend.ledger(user))["entries"] if entry["kind"] == "refund"]


def test_all_of_them_are_here():
    names = {name for name in DEFECTS if name.startswith("runs-")}
    seen = set(CREDITS) | set(ANSWERS) | set(MODELS) | set(OPERATION)
    at_start = {"runs-env-run-together-accepted", "runs-banner-unmasked"}
    by_the_kill_matrix_alone = {
        *("runs-log-without-mapping", "runs-output-cut", "runs-project-names-caller"),
        *("runs-banner-half-masked", "runs-banner-ends-shown", "runs-env-one-pair-known", "runs-env-quotes-trusted"),
        *("runs-env-comments-read", "runs-health-store-unseen", "runs-starts-without-key", "runs-other-default-port"),
        *("runs-stop-not-refunded", "runs-task-left-behind", "runs-stop-blamed-on-provider", "runs-stop-cuts-calls"),
    }
    assert names == seen | at_start | by_the_kill_matrix_alone


async def _failed_refunds(start, failing, defect):
    failing()
    backend, user = await begun(start, defect)
    assert (await backend.run(user, ASKED))[0] == 500
    return await refunds(backend, user), (await backend.ledger(user))["balance"]


async def no_refund(start, failing, provider):
    assert await _failed_refunds(start, failing, "runs-no-refund") == ([], 9)


async def refund_twice(start, failing, provider):
    found, balance = await _failed_refunds(start, failing, "runs-refund-twice")
    assert ([one["amount"] for one in found], balance) == ([1, 1], 11)


async def refund_other_amount(start, failing, provider):
    found, balance = await _failed_refunds(start, failing, "runs-refund-other-amount")
    assert ([one["amount"] for one in found], balance) == ([2], 11)


async def refund_without_metadata(start, failing, provider):
    found, balance = await _failed_refunds(start, failing, "runs-refund-without-metadata")
    assert ([one["metadata"] for one in found], balance) == ([{}], 10)


async def client_gone_charged(start, failing, provider):
    provider.gate = asyncio.Event()
    backend, user = await begun(start, "runs-client-gone-charged")
    calling = asyncio.ensure_future(backend.run(user))
    await provider.arrived.wait()
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling
    assert (await backend.ledger(user))["balance"] == 9


async def charges_bad_input(start, failing, provider):
    backend, user = await begun(start, "runs-charges-bad-input")
    assert (await backend.run(user, {"input": ""}))[0] == 400
    assert (await backend.run(user, {"input": "x", "model": "odd"}))[0] == 400
    assert (await backend.ledger(user))["balance"] == 9


async def charges_unknown_model(start, failing, provider):
    backend, user = await begun(start, "runs-charges-unknown-model")
    assert (await backend.run(user, {"input": ""}))[0] == 400
    assert (await backend.run(user, {"input": "x", "model": "odd"}))[0] == 400
    assert (await backend.ledger(user))["balance"] == 9


async def credit_after_provider(start, failing, provider):
    backend = await start("runs-credit-after-provider")
    assert (await backend.run(await backend.user(credits=0)))[0] == 402
    assert len(provider.seen) == 1


async def balance_wrong(start, failing, provider):
    backend, user = await begun(start, "runs-balance-wrong")
    assert (await backend.run(user))[1]["credits_remaining"] == 10


CREDITS = {
    "runs-no-refund": no_refund,
    "runs-refund-twice": refund_twice,
    "runs-refund-other-amount": refund_other_amount,
    "runs-refund-without-metadata": refund_without_metadata,
    "runs-client-gone-charged": client_gone_charged,
    "runs-charges-bad-input": charges_bad_input,
    "runs-charges-unknown-model": charges_unknown_model,
    "runs-credit-after-provider": credit_after_provider,
    "runs-balance-wrong": balance_wrong,
}


@pytest.mark.parametrize("shown", CREDITS.values(), ids=CREDITS)
async def test_what_a_run_costs(start, failing, provider, shown):
    await shown(start, failing, provider)


async def _failure(start, failing, defect, status=429, words="no", **settings):
    failing(status, words)
    backend = await start(defect, **settings)
    return (await backend.run(await backend.user(), ASKED))[1]


async def flattened(start, failing, provider):
    told = {(await _failure(start, failing, "runs-flattened-500", status))["error"] for status in (400, 401, 429, 503)}
    assert len(told) == 1


async def without_code(start, failing, provider):
    assert set(await _failure(start, failing, "runs-error-without-code")) == {"error", "details"}


async def without_details(start, failing, provider):
    assert set(await _failure(start, failing, "runs-error-without-details")) == {"error", "code"}


async def leaks_key(start, failing, provider):
    assert "gsk_odd" in (await _failure(start, failing, "runs-leaks-key", 401, "bad key gsk_odd"))["error"]


async def timeout_message(start, failing, provider):
    provider.gate = asyncio.Event()
    body = await _failure(start, failing, "runs-timeout-message-wrong", TIMEOUT_FIRST_BYTE_S="0.05")
    assert body["error"].startswith("LLM service is temporarily unavailable")
    provider.gate = None
    provider.reset = True
    body = await _failure(start, failing, "runs-timeout-message-wrong")
    assert body["error"].startswith("Cannot connect")


async def foreign_403(start, failing, provider):
    backend, user = await begun(start, "runs-foreign-project-403")
    assert (await backend.run(user, project=(await backend.user()).project))[0] == 403
    assert (await backend.run(user, project="junk"))[0] == 404


async def non_uuid_500(start, failing, provider):
    backend, user = await begun(start, "runs-non-uuid-500")
    assert (await backend.run(user, project="junk"))[0] == 500
    assert (await backend.run(user, project=(await backend.user()).project))[0] == 404
    assert await backend.kinds(user) == ["grant"]


async def bad_json_500(start, failing, provider):
    backend, user = await begun(start, "runs-bad-json-500")
    assert (await backend.run(user, data=b"{"))[0] == 500
    assert (await backend.run(user, {"input": 5}))[0] == 400


ANSWERS = {
    "runs-flattened-500": flattened,
    "runs-error-without-code": without_code,
    "runs-error-without-details": without_details,
    "runs-leaks-key": leaks_key,
    "runs-timeout-message-wrong": timeout_message,
    "runs-foreign-project-403": foreign_403,
    "runs-non-uuid-500": non_uuid_500,
    "runs-bad-json-500": bad_json_500,
}


@pytest.mark.parametrize("shown", ANSWERS.values(), ids=ANSWERS)
async def test_what_the_client_is_told(start, failing, provider, shown):
    await shown(start, failing, provider)


async def _run(start, defect, body=None, **settings):
    backend = await start(defect, **settings)
    return (await backend.run(await backend.user(), body or ASKED))[1]


async def not_mapped(start, provider):
    await _run(start, "runs-model-not-mapped")
    assert provider.asked["model"] == "gpt-4o"


async def mapped_echoed(start, provider):
    assert (await _run(start, "runs-mapped-model-echoed"))["run"]["model"] == "llama-3.3-70b-versatile"


async def unknown_called(start, provider):
    await _run(start, "runs-unknown-model-called", {"input": "x", "model": "odd"})
    assert provider.asked["model"] == "odd"


async def default_ignored(start, provider):
    await _run(start, "runs-default-model-ignored", {"input": "x"}, GROQ_DEFAULT_MODEL="gpt-4")
    assert provider.asked["model"] == "llama-3.1-8b-instant"


async def default_missing(start, provider):
    await _run(start, "runs-default-model-missing-at-provider", {"input": "x"})
    assert provider.asked["model"] == "llama-3.1-70b-instant"
    await _run(start, "runs-default-model-missing-at-provider", {"input": "x"}, GROQ_DEFAULT_MODEL="gpt-4")
    assert provider.asked["model"] == "llama-3.3-70b-versatile"


async def not_trimmed(start, provider):
    await _run(start, "runs-input-not-trimmed", {"input": " x "})
    assert provider.asked["messages"][0]["content"] == " x "


async def wrong_parameters(start, provider):
    await _run(start, "runs-wrong-parameters")
    assert set(provider.asked) == {"model", "messages"}


async def retries(start, provider):
    provider.fails(500)
    await _run(start, "runs-retries")
    assert len(provider.seen) == 2


async def id_not_uuid(start, provider):
    with pytest.raises(ValueError, match="hexadecimal"):
        UUID((await _run(start, "runs-id-not-uuid"))["run"]["id"])


async def created_at_local(start, provider):
    assert datetime.fromisoformat((await _run(start, "runs-created-at-local"))["run"]["created_at"]).tzinfo is None


MODELS = {
    "runs-model-not-mapped": not_mapped,
    "runs-mapped-model-echoed": mapped_echoed,
    "runs-unknown-model-called": unknown_called,
    "runs-default-model-ignored": default_ignored,
    "runs-default-model-missing-at-provider": default_missing,
    "runs-input-not-trimmed": not_trimmed,
    "runs-wrong-parameters": wrong_parameters,
    "runs-retries": retries,
    "runs-id-not-uuid": id_not_uuid,
    "runs-created-at-local": created_at_local,
}


@pytest.mark.parametrize("shown", MODELS.values(), ids=MODELS)
async def test_what_is_asked_and_answered(start, provider, shown):
    await shown(start, provider)


async def health_always_ok(start, provider, key):
    provider.models_status = 500
    assert (await (await start("runs-health-always-ok")).health())[1]["status"] == "ok"


async def health_shows_secret(start, provider, key):
    assert key in json.dumps((await (await start("runs-health-shows-secret")).health())[1])


async def health_needs_token(start, provider, key):
    backend, user = await begun(start, "runs-health-needs-token")
    assert (await backend.health())[0] == 401
    async with backend.session.get(f"{backend.url}/api/health", headers=user.auth) as response:
        assert response.status == 200


async def key_in_log(start, provider, key):
    provider.fails(401, f"bad key {key}")
    backend, user = await begun(start, "runs-key-in-log")
    await backend.run(user)
    assert key in json.dumps(await backend.log(user))


async def _events(start, provider, defect):
    provider.fails(429)
    backend, user = await begun(start, defect)
    await backend.run(user)
    return [line["event"] for line in await backend.log(user)]


async def log_missing_failure(start, provider, key):
    assert await _events(start, provider, "runs-log-missing-failure") == ["refund", "run"]


async def log_missing_refund(start, provider, key):
    assert await _events(start, provider, "runs-log-missing-refund") == ["run_failed", "run"]


OPERATION = {
    "runs-health-always-ok": health_always_ok,
    "runs-health-shows-secret": health_shows_secret,
    "runs-health-needs-token": health_needs_token,
    "runs-key-in-log": key_in_log,
    "runs-log-missing-failure": log_missing_failure,
    "runs-log-missing-refund": log_missing_refund,
}


@pytest.mark.parametrize("shown", OPERATION.values(), ids=OPERATION)
async def test_what_operators_rely_on(start, provider, key, shown):
    await shown(start, provider, key)


async def test_the_banner_unmasked_shows_the_key(start, key):
    backend = await start("runs-banner-unmasked")
    assert f"GROQ_API_KEY={key}" in (await backend.probe("GET", "/startup"))[1]["banner"]


def test_a_file_whose_lines_have_run_together_is_accepted():
    environment = {"ENV_FILE_TEXT": "GROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000"}
    parts = defective("runs-env-run-together-accepted")
    assert parts.configuration is not Configuration
    settings = parts.configuration().settings(environment)
    assert (settings.groq_default_model, settings.port) == ("llama-3.1-8b-instantPORT=4000", 4000)


SHARED = {
    "expired-token-accepted": {"exp": 1},
    "early-token-accepted": {"nbf": 4_000_000_000},
}


@pytest.mark.parametrize(("defect", "claims"), SHARED.items(), ids=SHARED)
async def test_defects_of_the_shared_reader_of_tokens_are_runs_too(start, defect, claims):
    backend, user = await begun(start, defect)
    assert (await backend.run(user, headers={"Authorization": f"Bearer {backend.token(user, **claims)}"}))[0] == 201


@pytest.mark.parametrize("defect", ["racy-hold", "credit-not-checked"])
async def test_defects_of_the_shared_accounts_are_runs_too(start, defect):
    backend = await start(defect)
    user = await backend.user(credits=1)
    answers = await asyncio.gather(*(backend.run(user) for _ in range(4)))
    assert sum(status == 201 for status, _ in answers) > 1


async def test_a_call_that_runs_on_after_its_client_is_a_defect_of_the_shared_upstream(start, provider):
    provider.gate = asyncio.Event()
    backend, user = await begun(start, "client-gone-runs-on")
    calling = asyncio.ensure_future(backend.run(user))
    await provider.arrived.wait()
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling
    assert (await backend.ledger(user))["settled"]
    assert not provider.left.is_set()
    provider.gate.set()
