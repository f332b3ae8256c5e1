"""What a request for a stream may hold, and how the rest is refused."""

import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backend.chat.errors import ChatError
from harness.backend.chat.request import ChatValidator, Message

ME = UUID("0190f0b0-0000-7000-8000-000000000001")
GOOD = {"message": "Hello", "modelId": "m"}


def read(body, user_id=ME):
    return ChatValidator().read(body if isinstance(body, bytes) else json.dumps(body).encode(), user_id)


def test_a_message_is_the_users():
    ask = read(GOOD)
    assert (ask.messages, ask.model, ask.estimated_tokens, ask.characters) == (
        (Message("user", "Hello"),),
        "m",
        None,
        5,
    )


def test_messages_come_in_texts_and_blocks_after_their_history():
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"text": "b"}, {"text": "c"}]}]
    body = {"messages": [{"role": "user", "content": "d"}], "messageHistory": history, "modelId": "m"}
    ask = read({**body, "estimatedTokens": 7, "userId": str(ME).upper(), "unknown": {"left": "alone"}})
    assert [(one.role, one.text) for one in ask.messages] == [("user", "a"), ("assistant", "bc"), ("user", "d")]
    assert (ask.estimated_tokens, ask.characters) == (7, 6)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message": ...}, "message"),
        ({"message": " \t"}, "message"),
        ({"message": 7}, "message"),
        ({"message": "a\0"}, "message"),
        ({"message": "a\ud800"}, "message"),
        ({"messages": []}, "messages"),
        ({"message": ..., "messages": []}, "messages"),
        ({"message": ..., "messages": [7]}, "messages[0]"),
        ({"message": ..., "messages": [{"role": "system", "content": "a"}]}, "messages[0].role"),
        ({"message": ..., "messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"message": ..., "messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0].text"),
        ({"message": ..., "messages": [{"role": "assistant", "content": "a"}]}, "messages"),
        ({"messageHistory": {}}, "messageHistory"),
        ({"modelId": ...}, "modelId"),
        ({"modelId": ""}, "modelId"),
        ({"estimatedTokens": "1"}, "estimatedTokens"),
        ({"estimatedTokens": 0}, "estimatedTokens"),
        ({"estimatedTokens": True}, "estimatedTokens"),
        ({"estimatedTokens": 1.0}, "estimatedTokens"),
        ({"estimatedTokens": 2**63}, "estimatedTokens"),
        ({"userId": 7}, "userId"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(change, field):
    body = {name: value for name, value in {**GOOD, **change}.items() if value is not ...}
    with pytest.raises(ChatError) as told:
        read(body)
    assert told.value.status == 400
    assert field in told.value.why


def test_another_users_id_is_refused():
    with pytest.raises(ChatError) as told:
        read({**GOOD, "userId": str(uuid4())})
    assert (told.value.status, told.value.code) == (403, "FORBIDDEN")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("message", "messages", "messageHistory", "modelId", "estimatedTokens", "userId")


def outcome(body):
    try:
        return read(body)
    except ChatError as told:
        return told


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON | st.binary(max_size=40))
def test_whatever_comes_is_read_or_refused(body):
    found = outcome(body)
    assert (found.status in (400, 403) and found.why) if isinstance(found, ChatError) else found.messages[-1].text
