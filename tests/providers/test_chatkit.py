"""ChatKit's requests and answers are read whatever is in them, and a session's id leads back to its owner."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.core.fault import FAULTS
from harness.core.recording import Request
from harness.providers import chatkit
from harness.providers.call import Circumstances
from harness.providers.chatkit import CREATE, LIST, SEND
from harness.providers.chatkit_call import ChatKitReceiver
from harness.providers.chatkit_encode import POLLS, session_id, session_owner, struck

SESSION = session_id("u-1", 0)
PATH = f"/v1/chatkit/sessions/{SESSION}/messages"
HEADERS = (("Authorization", "Bearer sk-test"), ("openai-beta", "chatkit_beta=v1"))
MESSAGE = json.dumps({"role": "user", "content": [{"type": "input_text", "text": "[tie:0123456789.3] hi"}]}).encode()
RECEIVER = ChatKitReceiver()


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/v1/chatkit/sessions", (CREATE, None)),
        ("POST", "http://h/v1/chatkit/sessions?x=1", (CREATE, None)),
        ("GET", "/v1/chatkit/sessions", None),
        ("POST", "/v1/chatkit/sessions/a%2Fb/messages", (SEND, "a/b")),
        ("GET", "/chatkit/sessions/s/messages?limit=5", (LIST, "s")),
        ("DELETE", "/chatkit/sessions/s/messages", None),
        ("POST", "/chatkit/sessions/s/cancel", None),
        ("GET", "", None),
    ],
)
def test_a_call_is_told_by_method_and_path(method, path, found):
    assert chatkit.target(method, path) == found


@given(st.text(min_size=1))
def test_a_sessions_id_leads_back_to_its_owner(owner):
    wanted = owner.encode("utf-8", "replace").decode()
    assert session_owner(session_id(owner, 0)) == wanted
    assert session_id(owner, 0) != session_id(owner, 1)


@pytest.mark.parametrize(
    "name", ["", "cksess_", "cksess_0123456789ab", "cksess_0123456789ab_8", "another", SESSION[7:]]
)
def test_an_id_that_is_none_of_ours_has_no_owner(name):
    assert session_owner(name) is None


def test_the_answer_is_the_assistants_and_the_first_in_the_list():
    def message(role, *blocks):
        return {"id": role, "role": role, "content": [{"type": kind, "text": text} for kind, text in blocks]}

    data = [
        message("user", ("output_text", "mine")),
        message("assistant", ("progress", "working"), ("text", "newest")),
        message("assistant", ("output_text", "older")),
        {"role": "assistant"},
        7,
    ]
    messages = chatkit.decode_messages(json.dumps({"data": data}).encode())
    assert len(messages) == 4
    assert chatkit.find_answer(messages) == "newest"
    assert chatkit.find_answer(messages[:1]) is None


@given(st.binary())
def test_readers_take_any_bytes(data):
    for read in (
        chatkit.decode_session_request,
        chatkit.decode_message,
        chatkit.decode_session,
        chatkit.decode_messages,
    ):
        try:
            read(data)
        except DecodeError:
            continue
    chatkit.message_tie(data)


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.one_of(st.just("/v1/chatkit/sessions"), st.just(PATH), st.text().map(lambda text: f"{PATH}?{text}"), st.text()),
    st.sampled_from([(), HEADERS]),
    st.one_of(st.just(MESSAGE), st.binary()),
    st.sampled_from(list(FAULTS.values())),
)
def test_the_receiver_answers_whatever_it_is_asked(method, path, headers, body, fault):
    plan = RECEIVER(method, path, headers, body).answer(Circumstances(fault=fault))
    assert 200 <= plan.status < 600


def test_a_message_carries_the_tag_and_a_poll_its_session():
    call = RECEIVER("POST", PATH, HEADERS, MESSAGE)
    assert (call.operation, call.tie, call.owner, call.thread) == (SEND, "0123456789.3", "u-1", SESSION)
    call = RECEIVER("GET", PATH, HEADERS, b"")
    assert (call.operation, call.tie, call.owner, call.thread) == (LIST, None, "u-1", SESSION)


def polled(*earlier):
    """What a poll finds after these requests: the roles, the newest first."""
    asked = tuple(Request(method, PATH, HEADERS, body) for method, body in earlier)
    plan = RECEIVER("GET", PATH, HEADERS, b"").answer(Circumstances(fault=FAULTS["none"], earlier=asked))
    return [message.role for message in chatkit.decode_messages(plan.body)]


def test_what_a_poll_finds_is_read_from_the_requests_before_it():
    sent, poll = ("POST", MESSAGE), ("GET", b"")
    assert polled() == polled(poll, poll) == []
    assert polled(sent) == ["user"]
    assert polled(sent, poll) == ["assistant", "user"]
    assert polled(sent, *[poll] * POLLS) == ["assistant", "assistant", "user"]
    assert polled(sent, *[poll] * POLLS, sent) == ["user"]
    assert polled(("POST", b"nonsense")) == []


def test_a_fault_strikes_its_own_call_only_and_a_poll_once_its_time_has_come():
    lost, later = FAULTS["session-vanishes"], FAULTS["session-vanishes-later"]
    assert [struck(lost, call).status for call in (CREATE, SEND, LIST)] == [None, 404, None]
    assert [struck(later, LIST, polls).status for polls in range(3)] == [None, 404, 404]
    assert struck(FAULTS["no-usage"], CREATE) is FAULTS["none"]
