"""Sessions: made, shown, used; on each kind of database."""

import asyncio
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backend.agent.ids import NAMESPACE, SessionIds
from harness.backend.agent.sessions import kept
from harness.backend.gateway.errors import GatewayError
from harness.backend.ids import parse_id

OLD = "session-1712345678901-k3j9x2"
JUNK = (
    "junk",
    "session-abc-k3j9x2",
    "session-1712345678901-",
    "session-1712345678901-a%20b",
    "session-1712345678901-%00",
    f"session-{'1' * 21}-a",
    f"session-1-{'a' * 129}",
    "%00",
    "%ED%A0%80",
    "'%20OR%201=1",
    "0" * 36,
    "nil",
    "%7B00000000-0000-4000-8000-000000000000%7D",
)


@pytest.fixture
async def agent(begin, address):
    return await begin(DATABASE_URL=address)


async def test_a_session_is_made_and_found_again(agent, user):
    status, _, made = await agent.create(user, user_id="somebody")
    assert (status, made) == (201, {"session_id": made["session_id"], "user_id": "somebody"})
    assert UUID(made["session_id"]).version == 4
    status, _, shown = await agent.show(user, made["session_id"].upper())
    assert status == 200
    assert shown == {**made, "created_at": shown["created_at"], "message_count": 0}
    assert await agent.messages(user, made["session_id"])
    status, _, listed = await agent.messages(user, made["session_id"])
    assert (status, listed) == (200, {"session_id": made["session_id"], "messages": []})


async def test_the_session_stands_in_for_its_user(agent, user):
    for body in ({}, {"user_id": None}):
        _, _, made = await agent.create(user, **body)
        assert made["user_id"] == made["session_id"]
    status, _, made = await agent.call("POST", "/sessions", user)
    assert (status, made["user_id"]) == (201, made["session_id"])


@pytest.mark.parametrize("user_id", [7, "", ["x"], "x" * 257, "nul \0"])
async def test_a_user_id_that_is_none_is_refused_by_name(agent, user, user_id):
    status, _, body = await agent.create(user, user_id=user_id)
    assert (status, body["error"]["param"]) == (400, "user_id")


async def test_what_is_no_session_is_not_found_and_what_is_no_id_is_refused(agent, user):
    other = await agent.user()
    _, _, made = await agent.create(other)
    for gone in (made["session_id"], "00000000-0000-4000-8000-000000000000", OLD):
        for answer in (await agent.show(user, gone), await agent.messages(user, gone)):
            assert (answer[0], answer[2]["error"]["code"]) == (404, "session_not_found"), gone
    for junk in (*JUNK, made["session_id"] + "0", "urn:uuid:" + made["session_id"]):
        for answer in (await agent.show(user, junk), await agent.messages(user, junk)):
            assert (answer[0], answer[2]["error"]["code"]) == (400, "invalid_session_id"), junk


async def test_both_messages_are_stored_in_the_session(agent, user, provider, parts):
    _, _, made = await agent.create(user)
    status, headers, answer = await agent.chat(user, "Hé\U0001f600", session_id=made["session_id"])
    assert (status, headers["x-session-id"]) == (200, made["session_id"])
    assert answer["model"] == "claude-sonnet-4"
    assert provider.bodies[-1]["model"] == "claude-sonnet-4"
    provider.stream(*parts["healthy"])
    await agent.chat(user, "More", session_id=made["session_id"], stream=True)
    assert await agent.said(user, made["session_id"]) == [
        ("user", "Hé\U0001f600"),
        ("assistant", "Hello"),
        ("user", "More"),
        ("assistant", "".join(parts["words"])),
    ]
    _, _, shown = await agent.show(user, made["session_id"])
    assert shown["message_count"] == 4
    assert await agent.kinds(user) == ["grant", *["hold", "settle"] * 2]


async def test_a_chat_that_names_no_session_begins_one(agent, user):
    _, headers, _ = await agent.chat(user)
    assert await agent.said(user, headers["x-session-id"]) == [("user", "Hello"), ("assistant", "Hello")]


async def test_an_old_style_id_is_a_session_from_its_first_chat_on(agent, user):
    mapped = str(SessionIds().mapped(OLD))
    answers = await asyncio.gather(*(agent.chat(user, session_id=OLD) for _ in range(4)))
    assert {(status, headers["x-session-id"]) for status, headers, _ in answers} == {(200, mapped)}
    for name in (OLD, mapped):
        assert (await agent.show(user, name))[2]["session_id"] == mapped
        assert len(await agent.said(user, name)) == 8
    other = await agent.user()
    assert (await agent.chat(other, session_id=OLD))[0] == 404
    assert await agent.kinds(other) == ["grant"]


@pytest.mark.parametrize("old", ["session-1712-abc", "session-0-x", "session-1712345678901-0.k3j9x2-more_~"])
async def test_an_old_style_id_has_any_time_and_whatever_a_url_takes(agent, user, old):
    _, headers, _ = await agent.chat(user, session_id=old)
    assert headers["x-session-id"] == str(uuid5(NAMESPACE, old))
    assert (await agent.show(user, old))[0] == 200


async def test_a_chat_in_no_session_costs_nothing(agent, user, provider):
    for named, status in ((JUNK[0], 400), (7, 400), ("00000000-0000-4000-8000-000000000000", 404)):
        answer = await agent.chat(user, session_id=named)
        assert (answer[0], answer[2]["error"]["param"]) == (status, "session_id")
    assert await agent.kinds(user) == ["grant"]
    assert provider.bodies == []


async def test_a_chat_that_fails_leaves_nothing_in_its_session(agent, user, provider, parts):
    _, _, made = await agent.create(user)
    provider.plain({"error": {"message": "no"}}, status=400)
    assert (await agent.chat(user, session_id=made["session_id"]))[0] == 400
    provider.stream(parts["role"], *parts["pieces"], then="end")
    await agent.chat(user, session_id=made["session_id"], stream=True)
    assert await agent.said(user, made["session_id"]) == []
    assert await agent.kinds(user) == ["grant", "hold", "release", "hold", "settle"]


async def test_sessions_made_at_once_are_all_different(agent, user):
    made = await asyncio.gather(*(agent.create(user) for _ in range(16)))
    assert len({body["session_id"] for _, _, body in made}) == 16


async def test_words_that_no_database_keeps_are_stored_all_the_same(agent, user, provider, parts):
    provider.plain(parts["completion"]("a\0b\ud800c"))
    _, headers, _ = await agent.chat(user)
    assert await agent.said(user, headers["x-session-id"]) == [("user", "Hello"), ("assistant", "a\ufffdb\ufffdc")]


async def test_who_is_not_known_sees_no_session(agent):
    for method, path in (("POST", "/sessions"), ("GET", f"/sessions/{OLD}"), ("GET", "/sessions/x/messages")):
        status, headers, _ = await agent.call(method, path)
        assert status == 401
        assert headers["www-authenticate"].startswith("Bearer")


@given(
    st.text(max_size=60) | st.from_regex(r"session-[0-9]{8,18}-[a-z0-9]{0,70}", fullmatch=True) | st.uuids().map(str)
)
def test_any_text_is_an_id_or_is_refused(text):
    ids = SessionIds()
    if ids.old_style(text) or parse_id(text) is not None:
        assert ids.read(text) == ids.read(text)
    else:
        with pytest.raises(GatewayError, match="invalid_session_id") as refused:
            ids.read(text)
        assert refused.value.status == 400


def test_the_namespace_and_the_rule_are_for_good():
    assert str(NAMESPACE) == "2e3fa67b-2b55-5e76-bfac-1d0fb160dde5"
    mapped = SessionIds().mapped(OLD)
    assert (mapped.version, str(mapped)) == (5, "56170300-6749-534b-bf44-aabf2a0d0523")


def test_halves_of_a_character_are_joined_where_both_are_there():
    assert kept("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"
