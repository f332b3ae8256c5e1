"""Requests for plans: who may ask, and what is refused."""

import io
import json

import pytest

WRONG = [
    ("user_profile", None),
    ("user_profile", "Zoë"),
    ("user_profile", []),
    ("questionnaires", None),
    ("questionnaires", {}),
    ("questionnaires", ["goals"]),
    ("context", None),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
async def test_a_field_that_is_wrong_is_named_and_nothing_charged(backend, user, provider, asked, field, value):
    status, body = await backend.plan(user, {**asked, field: value})
    assert (status, body["error"]["param"]) == (400, field)
    assert field in body["error"]["message"]
    status, body = await backend.plan(user, {name: asked[name] for name in asked if name != field})
    assert (status, body["error"]["param"]) == (400, field)
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_object(backend, user, data):
    status, body = await backend.plan(user, data=data)
    assert (status, body["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_no_questionnaires_and_unknown_fields_are_no_mistake(backend, user, provider, asked):
    assert (await backend.plan(user, {**asked, "questionnaires": [], "shoe_size": 42}))[0] == 201
    (text,) = [body["content"][0]["text"] for step, _, _, body in provider.seen if step == "send"]
    assert json.loads(text) == {**asked, "questionnaires": []}


@pytest.mark.parametrize("context", ["Keep it short.", 7, False, [], {}])
async def test_a_context_is_whatever_the_client_has_to_say(backend, user, provider, asked, context):
    assert (await backend.plan(user, {**asked, "context": context}))[0] == 201
    (text,) = [body["content"][0]["text"] for step, _, _, body in provider.seen if step == "send"]
    assert json.loads(text)["context"] == context


async def test_texts_that_no_database_keeps_are_passed_on_and_kept(backend, user, provider):
    raw = b'{"user_profile": {"name": "x\\u0000\\ud800"}, "questionnaires": [], "context": {}}'
    assert (await backend.plan(user, data=raw))[0] == 201
    (text,) = [body["content"][0]["text"] for step, _, _, body in provider.seen if step == "send"]
    assert json.loads(text)["user_profile"]["name"] == "x\0\ud800"


async def test_a_body_that_is_too_large(backend, user):
    status, body = await backend.plan(user, data=io.BytesIO(b" " * (20 * 1024 * 1024 + 1)))
    assert (status, body["error"]["code"]) == (413, "INVALID_REQUEST")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic x"}])
async def test_a_bad_token_is_told_how_to_authenticate(backend, user, provider, headers):
    status, body, fields = await backend.whole(user, headers=headers)
    assert (status, body["error"]["code"]) == (401, "UNAUTHORIZED")
    assert fields["WWW-Authenticate"].startswith("Bearer")
    assert not provider.seen
