import asyncio
import io
import json

import pytest

PLAIN, STREAM = {}, {"stream": True}
BOTH = pytest.mark.parametrize("how", [PLAIN, STREAM], ids=["plain", "stream"])


def words_of(events):
    return "".join(c["delta"].get("content") or "" for e in events if "choices" in e for c in e["choices"])


# -- what goes well


async def test_a_plain_answer_comes_under_our_id_and_the_name_that_was_asked_for(backend, provider):
    user = await backend.user()
    status, headers, answer = await backend.chat(user, temperature=0.5, whatever=1)
    assert (status, answer["object"], answer["model"]) == (200, "chat.completion", "gpt-4o-mini")
    assert answer["id"] == "chatcmpl-" + headers["x-request-id"].replace("-", "")
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Hello"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
    assert "x_groq" not in answer
    assert provider.bodies == [
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}], "temperature": 0.5}
    ]
    assert await backend.kinds(user) == [("hold", 1), ("settle", 1)]


async def test_a_stream_comes_piece_by_piece_under_one_id(backend, provider, parts, sse):
    provider.stream(*parts["healthy"])
    user = await backend.user()
    status, headers, raw = await backend.chat(user, stream=True, stream_options={"include_usage": True})
    events = sse(raw)
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert headers["cache-control"] == "no-cache"
    assert events[-1] == "[DONE]"
    assert events.count("[DONE]") == 1
    chunks = events[:-1]
    assert {c["id"] for c in chunks} == {"chatcmpl-" + headers["x-request-id"].replace("-", "")}
    assert {c["model"] for c in chunks} == {"gpt-4o-mini"}
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"}
    assert not any("obfuscation" in c for c in chunks)
    assert words_of(chunks) == "".join(parts["words"])
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]] == [None] * 4 + ["stop"]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], parts["usage"])
    assert provider.bodies[0]["stream_options"] == {"include_usage": True}


async def test_the_usage_chunk_comes_only_where_it_was_asked_for(backend, provider, parts, sse):
    provider.stream(*parts["healthy"])
    _, _, raw = await backend.chat(await backend.user(), stream=True)
    assert not any("usage" in one for one in sse(raw) if one != "[DONE]")
    assert provider.bodies[0]["stream_options"] == {"include_usage": True}


async def test_words_reach_the_client_while_the_provider_waits(backend, provider, parts, sse):
    provider.stream(parts["role"], parts["pieces"][0], then="gate")
    async with backend.open(await backend.user(), stream=True) as response:
        seen = b""
        while b"Hel" not in seen:
            seen += await response.content.readany()
        assert not provider.gate.is_set()
        provider.gate.set()
        rest = await response.read()
    assert words_of(sse(seen + rest)[:-1]) == "".join(parts["words"])


async def test_who_has_read_done_finds_the_ledger_settled(backend, provider, parts):
    provider.stream(*parts["healthy"])
    user = await backend.user()
    async with backend.open(user, stream=True) as response:
        await response.content.readuntil(b"[DONE]")
        found = await backend.ask("/ledger", user=user.id, wait_s="0")
        assert [entry["kind"] for entry in found["entries"]] == ["grant", "hold", "settle"]
        assert len(found["usage"]) == 1


async def test_groqs_private_usage_counts(backend, provider, parts):
    event, chunk = parts["event"], parts["chunk"]
    provider.stream(
        event(chunk({"role": "assistant", "content": "x"}, x_groq={"id": "req"})),
        event(chunk({}, "stop", x_groq={"usage": parts["usage"]})),
        parts["done"],
    )
    user = await backend.user()
    _, _, raw = await backend.chat(user, stream=True, model="llama-3.1-8b-instant")
    row = (await backend.ledger(user))["usage"][0]
    assert (row["input_tokens"], row["output_tokens"], row["estimated"], row["provider"]) == (9, 12, False, "groq")
    assert b"x_groq" not in raw
    assert provider.headers[0]["authorization"] == f"Bearer {parts['groq_key']}"


async def test_usage_that_is_absent_is_estimated_and_marked(backend, provider, parts, sse):
    provider.stream(parts["role"], *parts["pieces"], parts["finish"], parts["done"])
    user = await backend.user()
    _, _, raw = await backend.chat(user, stream=True, stream_options={"include_usage": True})
    row = (await backend.ledger(user))["usage"][0]
    assert (row["input_tokens"], row["output_tokens"], row["estimated"]) == (3, 3, True)  # 9 + 12 characters
    assert sse(raw)[-2]["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}


@pytest.mark.parametrize(
    "usage",
    [b'{"prompt_tokens": NaN, "completion_tokens": 1}', b'{"prompt_tokens": 1, "completion_tokens": -Infinity}'],
)
async def test_usage_that_is_no_number_is_estimated(backend, provider, parts, usage):

    provider.plain(json.dumps(parts["completion"](usage="USAGE")).encode().replace(b'"USAGE"', usage))
    user = await backend.user()
    status, _, answer = await backend.chat(user)
    assert (status, answer["usage"]["total_tokens"]) == (200, 4)  # 9 + 5 characters
    assert (await backend.ledger(user))["usage"][0]["estimated"]


# -- what is refused


@pytest.mark.parametrize(
    ("token", "told"),
    [(None, "required"), ("Bearer", "required"), ("Basic abc", "required"), ("Bearer not.a.token", "refused")],
)
async def test_who_is_not_known_is_told_how_to_be(backend, provider, token, told):
    url = f"{backend.url}/v1/chat/completions"
    async with backend.session.post(url, json={}, headers={"Authorization": token} if token else {}) as response:
        answer = await response.json()
    assert (response.status, answer["error"]["code"]) == (401, "invalid_token")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert ('error="invalid_token"' in response.headers["www-authenticate"]) is (told == "refused")
    assert told in answer["error"]["message"]
    assert provider.bodies == []


async def test_a_token_of_a_user_who_does_not_exist_opens_nothing(start, backend):
    stranger = await backend.user()
    other = await start()
    status, _, answer = await other.chat(stranger)
    assert (status, answer["error"]["code"]) == (401, "invalid_token")


@BOTH
@pytest.mark.parametrize(
    ("tier", "fields", "status", "code", "param"),
    [
        ("free", {"model": "gpt-4o"}, 403, "model_not_in_tier", "model"),
        ("free", {"model": "llama-3.3-70b-versatile"}, 403, "model_not_in_tier", "model"),
        ("pro", {"model": "no-such-model"}, 404, "model_not_found", "model"),
        ("pro", {"model": "local-model"}, 400, "model_not_priced", "model"),
        ("pro", {"model": "mystery-model"}, 400, "model_not_priced", "model"),
        ("pro", {"messages": []}, 400, "invalid_request_error", "messages"),
        ("pro", {"n": 2}, 400, "invalid_request_error", "n"),
    ],
)
async def test_what_may_not_be_called_is_refused_before_anything_else(
    backend, provider, how, tier, fields, status, code, param
):
    user = await backend.user(tier=tier)
    got, _, answer = await backend.chat(user, **how, **fields)
    assert (got, answer["error"]["code"], answer["error"]["param"]) == (status, code, param)
    assert await backend.kinds(user) == []
    assert provider.bodies == []
    (line,) = await backend.log(user)
    assert (line["phase"], line["httpStatus"]) == ("lookup", status)


async def test_a_body_that_is_too_large_is_refused(backend, provider):
    user = await backend.user()
    size = 20 * 1024 * 1024 + 1
    status, _, answer = await backend.raw(user, io.BytesIO(b" " * size))
    assert (status, answer["error"]["param"]) == (413, "body")

    async def unannounced():
        for _ in range(21):
            yield b" " * 1024 * 1024

    status, _, answer = await backend.raw(user, unannounced())
    assert (status, answer["error"]["code"]) == (413, "request_too_large")
    assert await backend.kinds(user) == []


@BOTH
async def test_a_balance_below_the_hold_is_refused_before_the_provider(backend, provider, how):
    user = await backend.user(credits=1)
    status, _, answer = await backend.chat(user, model="gpt-4o", **how)
    assert (status, answer["error"]["code"]) == (402, "insufficient_credits")
    assert "16 credits" in answer["error"]["message"]  # (3 x 2.5 + 1000 x 10) / 10^6 x 1000 x 1.5 = 15.01
    assert provider.bodies == []
    assert await backend.kinds(user) == []


async def test_many_calls_at_once_spend_a_balance_once(backend, provider, parts):
    provider.stream(*parts["healthy"][:2], then="gate")
    user = await backend.user(credits=3 * 16)
    calls = [asyncio.create_task(backend.chat(user, model="gpt-4o", stream=True)) for _ in range(8)]
    running = set(calls)
    while len(running) > 3:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result()[0] for one in done} == {402}
    provider.gate.set()
    assert sorted(status for status, _, _ in await asyncio.gather(*calls)) == [200] * 3 + [402] * 5
    found = await backend.ledger(user)
    assert found["balance"] == 48 - 3  # 9 x 2.5 + 12 x 10 in USD per million: less than a credit each


async def test_unknown_routes_and_methods_are_refused_in_the_same_shape(backend):
    async with backend.session.get(f"{backend.url}/v1/nothing") as response:
        answer = await response.json()
    assert (response.status, set(answer["error"])) == (404, {"message", "type", "param", "code"})
    async with backend.session.get(f"{backend.url}/v1/chat/completions") as response:
        assert (response.status, response.headers["allow"]) == (405, "POST")
        assert response.headers["x-request-id"]


# -- custom endpoints


@pytest.mark.parametrize("name", ["openai", "compatible"])
async def test_a_custom_endpoint_serves_what_has_no_price(start, provider, name):
    backend = await start(OPENAI_BASE_URL=provider.url, OPENAI_CUSTOM_PROVIDER_NAME=name, OPENAI_API_URL=None)
    async with backend.session.get(f"{backend.url}/v1/models") as response:
        listed = {row["id"]: row["owned_by"] for row in (await response.json())["data"]}
    assert (listed["local-model"], listed["mystery-model"]) == (name, name)
    user = await backend.user(tier="free")
    status, _, answer = await backend.chat(user, model="local-model")
    assert (status, answer["model"]) == (200, "local-model")
    assert await backend.kinds(user) == [("hold", 11), ("settle", 1)]  # 1003 tokens, then 21, at 10 the thousand
    assert (await backend.ledger(user))["usage"][0]["provider"] == name


HALVES = {
    "no-groq": {},
    "aws-secret-alone": {"AWS_SECRET_ACCESS_KEY": "aws-secret"},
    "aws-id-alone": {"AWS_ACCESS_KEY_ID": "AKIA-1"},
    "token-without-project": {"VERTEX_AI_ACCESS_TOKEN": "ya29.token"},
    "project-alone": {"GOOGLE_CLOUD_PROJECT": "project"},
}
ELSEWHERE = ("llama-3.1-8b-instant", "amazon.nova-micro-v1:0", "gemini-2.5-flash", "claude-sonnet-4")


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
async def test_every_listed_model_can_be_called(start, half):
    backend = await start(GROQ_API_KEY=None, **half)
    async with backend.session.get(f"{backend.url}/v1/models") as response:
        listed = [row["id"] for row in (await response.json())["data"]]
    assert listed == ["gpt-4o", "gpt-4o-mini"]  # half of what a provider wants is not enough to call it
    user = await backend.user()
    for model in listed:
        status, _, _ = await backend.chat(user, model=model)
        assert status == 200
    for model in ELSEWHERE:
        status, _, answer = await backend.chat(user, model=model)
        assert (status, answer["error"]["code"]) == (502, "provider_auth_error")


async def test_what_has_all_its_credentials_is_listed(start):
    backend = await start(
        AWS_SECRET_ACCESS_KEY="aws-secret",
        AWS_ACCESS_KEY_ID="AKIA-1",
        VERTEX_AI_ACCESS_TOKEN="ya29.token",
        GOOGLE_CLOUD_PROJECT="project",
    )
    async with backend.session.get(f"{backend.url}/v1/models") as response:
        listed = {row["id"] for row in (await response.json())["data"]}
    assert set(ELSEWHERE) <= listed


async def test_credentials_in_an_address_are_not_logged(start, provider):
    address = provider.url.replace("://", "://somebody:pass-word@")
    backend = await start(OPENAI_BASE_URL=address)
    user = await backend.user()
    await backend.chat(user, model="local-model")
    (line,) = await backend.log(user)
    assert line["baseURL"] == provider.url


async def test_a_body_that_is_not_in_the_coding_that_it_says_is_refused(backend, provider):
    user = await backend.user()
    status, _, answer = await backend.raw(user, b"{}", {"Content-Encoding": "gzip"})
    assert (status, answer["error"]["code"]) == (400, "invalid_request_error")
    assert await backend.kinds(user) == []
