"""Reading Anthropic's protocol: what real endpoints send, and any bytes at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.framing import sse
from harness.providers.anthropic import (
    Kind,
    decode_error,
    decode_message,
    decode_request,
    decode_stream,
    operation,
    read_event,
    sane_usage,
)

ASKED: dict[str, Any] = {"model": "claude-x", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


WHOLE: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 7, "output_tokens": 1}}},
    start(0, type="thinking", thinking="", signature=""),
    {"type": "ping"},
    delta(0, type="thinking_delta", thinking="hm, text"),
    delta(0, type="signature_delta", signature="abc"),
    stop(0),
    start(1, type="text", text="He"),
    delta(1, type="text_delta", text="llo"),
    delta(1, type="citations_delta", citation={"type": "char_location", "cited_text": "no"}),
    stop(1),
    start(2, type="tool_use", id="toolu_1", name="look", input={}),
    delta(2, type="input_json_delta", partial_json='{"text":'),
    delta(2, type="input_json_delta", partial_json='"no"}'),
    stop(2),
    start(3, type="web_search_tool_result", tool_use_id="s", content=[{"type": "text", "text": "no"}]),
    stop(3),
    start(4, type="text", text=""),
    delta(4, type="text_delta", text=" you"),
    stop(4),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 30, "input_tokens": None},
    },
    {"type": "message_stop"},
]


def stream(events: list[dict[str, Any]]) -> bytes:
    return b"".join(sse.encode(json.dumps(event), type=event["type"]) for event in events)


def test_only_text_blocks_are_text() -> None:
    read = decode_stream(stream(WHOLE))
    assert read.text == "Hello you"
    assert [event.index for event in read.content_events] == [6, 7, 17]
    assert (read.ids, read.stop_reasons, read.done, read.errors) == (("msg_1",), ("tool_use",), (20,), ())
    assert read.terminal
    assert [event.kind.value for event in read.events] == [event["type"] for event in WHOLE]


def test_usage_is_the_first_with_the_last_over_it() -> None:
    assert decode_stream(stream(WHOLE)).usage == {"input_tokens": 7, "output_tokens": 30}
    assert decode_stream(stream(WHOLE[:5])).usage == {"input_tokens": 7, "output_tokens": 1}
    assert decode_stream(stream(WHOLE[1:5])).usage is None
    assert decode_stream(stream([*WHOLE[:-2], {**WHOLE[-2], "usage": 5}])).usage == 5


def test_an_event_says_which_bytes_it_is() -> None:
    body = stream(WHOLE)
    for event, sent in zip(decode_stream(body).events, WHOLE, strict=True):
        assert body[event.start : event.end] == stream([sent])


def test_a_stream_that_breaks_off() -> None:
    body = stream(WHOLE)
    read = decode_stream(body[: body.index(b"you")])
    assert (read.text, read.terminal) == ("Hello", False)
    assert read.tail.startswith(b"event: content_block_delta\n")


def test_events_are_the_same_without_an_event_stream() -> None:
    framed = decode_stream(stream(WHOLE)).events
    bare = [read_event(number, json.dumps(event)) for number, event in enumerate(WHOLE)]
    assert [(one.kind, one.text, one.usage, one.stop_reason) for one in bare] == [
        (one.kind, one.text, one.usage, one.stop_reason) for one in framed
    ]


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("error", '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', Kind.ERROR),
        ("message", '{"type":"error","error":{"type":"api_error","message":"x"}}', Kind.ERROR),
        ("error", "upstream is gone", Kind.ERROR),
        ("content_block_delta", '{"type":"content_bl', Kind.MALFORMED),
        ("content_block_delta", '{"type":"a_new_one"}', Kind.OTHER),
        ("message_stop", "{}", Kind.MESSAGE_STOP),
        ("message_delta", "7", Kind.OTHER),
        ("ping", '{"type":["ping"]}', Kind.OTHER),
    ],
)
def test_what_an_event_is(name: str, raw: str, kind: Kind) -> None:
    event = read_event(0, raw, name=name)
    assert (event.kind, event.text, event.usage, event.stop_reason) == (kind, "", None, None)


def test_requests() -> None:
    blocks = [
        {"type": "text", "text": "see"},
        {"type": "image", "source": {}},
        {"type": "text", "text": "[tie:0123456789.2]"},
    ]
    messages = [
        {"role": "user", "content": blocks},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]},
    ]
    asked = ASKED | {"messages": messages, "stream": True, "system": [{"type": "text", "text": "Be brief."}]}
    read = decode_request(json.dumps(asked).encode())
    assert (read.model, read.stream, read.max_tokens, read.tie) == ("claude-x", True, 10, "0123456789.2")
    assert read.messages == (("user", "see[tie:0123456789.2]"), ("assistant", ""), ("user", ""))
    assert read.prompt.startswith("Be brief. see")
    plain = decode_request(json.dumps(ASKED | {"system": "[tie:0123456789.3]"}).encode())
    assert (plain.stream, plain.tie, plain.prompt) == (False, "0123456789.3", "[tie:0123456789.3] hi")
    assert decode_request(json.dumps(ASKED).encode()).prompt == "hi"


def test_where_the_path_has_model_and_stream() -> None:
    body = {name: value for name, value in ASKED.items() if name != "model"} | {
        "anthropic_version": "bedrock-2023-05-31"
    }
    read = decode_request(json.dumps(body).encode(), model="anthropic.claude-v1:0", stream=True)
    assert (read.model, read.stream) == ("anthropic.claude-v1:0", True)
    with pytest.raises(DecodeError, match="model"):
        decode_request(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"stream": "yes"}, "stream"),
        ({"system": 5}, "system"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(change: dict[str, Any], names: str) -> None:
    with pytest.raises(DecodeError, match=names):
        decode_request(json.dumps(ASKED | change).encode())


def test_whole_answers() -> None:
    content = [
        {"type": "thinking", "thinking": "no"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "input": {"text": "no"}},
        {"type": "text", "text": "b"},
    ]
    answer = {"id": "msg_1", "model": "m", "content": content, "stop_reason": "end_turn", "usage": {"input_tokens": 1}}
    read = decode_message(json.dumps(answer).encode())
    assert (read.id, read.model, read.text, read.stop_reason) == ("msg_1", "m", "ab", "end_turn")
    assert read.usage == {"input_tokens": 1}
    for wrong in (b"[]", b"{}", b"", b'{"content":"x"}'):
        with pytest.raises(DecodeError):
            decode_message(wrong)


def test_errors() -> None:
    body = {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}, "request_id": "req_1"}
    error = decode_error(json.dumps(body).encode())
    assert error is not None
    assert (error.type, error.message, error.request_id) == ("not_found_error", "model: x", "req_1")
    for other in (b"<html>", b"[]", b'{"error":"x"}', b'{"error":{}}'):
        assert decode_error(other) is None


@pytest.mark.parametrize(
    ("usage", "sane"),
    [
        ({"input_tokens": 3, "output_tokens": 4}, (3, 4)),
        (
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": None,
                "output_tokens": 4,
            },
            (13, 4),
        ),
        ({"input_tokens": 3, "output_tokens": 0}, None),
        ({"input_tokens": -3, "output_tokens": 4}, None),
        ({"input_tokens": 3, "output_tokens": 10**15}, None),
        ({"input_tokens": 3, "output_tokens": float("nan")}, None),
        ({"input_tokens": 3, "cache_read_input_tokens": "1", "output_tokens": 4}, None),
        ({"output_tokens": 4}, None),
        (None, None),
    ],
)
def test_usage_that_can_be_believed(usage: Any, sane: tuple[int, int] | None) -> None:
    assert sane_usage(usage, True) == sane


def test_calls() -> None:
    assert operation("POST", "/v1/messages?beta=true") == "messages"
    assert operation("POST", "/proxy/anthropic/v1/messages") == "messages"
    assert operation("GET", "/v1/models?limit=20") == "models.list"
    assert operation("POST", "/v1/messages/count_tokens") is None
    assert operation("GET", "/v1/messages") is None


EVENTS = st.builds(
    lambda name, data: sse.encode(data, type=name),
    st.sampled_from([*(kind.value for kind in Kind), "message"]),
    st.one_of(
        st.recursive(
            st.one_of(st.none(), st.integers(), st.text(max_size=5)),
            lambda inner: st.dictionaries(
                st.sampled_from(["type", "delta", "message", "usage", "error", "content_block", "text"]), inner
            ),
        ).map(json.dumps),
        st.text(alphabet='{}":a', max_size=9),
    ),
)


@given(st.one_of(st.binary(), st.lists(EVENTS).map(b"".join)))
def test_any_bytes_are_taken(body: bytes) -> None:
    read = decode_stream(body)
    assert read.terminal is bool(read.stop_reasons or read.done)
    assert len(read.ids) <= len(read.events)
    assert sane_usage(read.usage, True) is None or isinstance(read.usage, dict)
    assert decode_error(body) is None
