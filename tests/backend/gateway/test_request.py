import json

import pytest

from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.request import Validator

GOOD = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]}


def read(body):
    return Validator().read(body if isinstance(body, bytes) else json.dumps(body).encode())


def message(content, role="user"):
    return {**GOOD, "messages": [{"role": role, "content": content}]}


@pytest.mark.parametrize(
    ("param", "change"),
    [
        ("model", {"model": None}),
        ("model", {"model": ""}),
        ("model", {"model": 7}),
        ("model", {"model": ["gpt-4o"]}),
        ("messages", {"messages": None}),
        ("messages", {"messages": []}),
        ("messages", {"messages": "hello"}),
        ("messages[0]", {"messages": ["hello"]}),
        ("messages[0].role", {"messages": [{"content": "x"}]}),
        ("messages[0].role", {"messages": [{"role": "king", "content": "x"}]}),
        ("messages[0].role", {"messages": [{"role": ["user"], "content": "x"}]}),
        ("messages[1].content", {"messages": [GOOD["messages"][0], {"role": "user"}]}),
        ("messages[0].content", {"messages": [{"role": "user", "content": 7}]}),
        ("messages[0].content", {"messages": [{"role": "user", "content": []}]}),
        ("messages[0].content[0]", {"messages": [{"role": "user", "content": ["x"]}]}),
        ("messages[0].content[0].text", {"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
        ("messages", {"messages": [{"role": "user", "content": "a\0b"}]}),
        ("messages", {"messages": [{"role": "user", "content": "half \ud83d"}]}),
        ("tools", {"tools": [{"\ud83d": 1}]}),
        ("stream", {"stream": "yes"}),
        ("stream", {"stream": 1}),
        ("stream_options", {"stream": True, "stream_options": True}),
        ("stream_options.include_usage", {"stream": True, "stream_options": {"include_usage": 1}}),
        ("n", {"n": 2}),
        ("n", {"n": 0}),
        ("n", {"n": True}),
        ("n", {"n": "1"}),
        ("max_tokens", {"max_tokens": -1}),
        ("max_tokens", {"max_tokens": 0}),
        ("max_tokens", {"max_tokens": 1.5}),
        ("max_tokens", {"max_tokens": True}),
        ("max_tokens", {"max_tokens": "many"}),
        ("max_tokens", {"max_tokens": 10**30}),
        ("max_completion_tokens", {"max_completion_tokens": 1_000_001}),
    ],
)
def test_a_field_that_cannot_be_right_is_refused_by_name(param, change):
    with pytest.raises(GatewayError) as refused:
        read(GOOD | change)
    assert (refused.value.status, refused.value.param) == (400, param)
    assert refused.value.message


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"model=gpt",
        b'["a list"]',
        b"null",
        b'{"model": "gpt-4o-mini", "mess',
        b'{"model": "\xff\xfe"}',
        b'\xef\xbb\xbf{"model": "x"}',
        b'{"model": "x", "temperature": NaN}',
        b'{"model": "x", "temperature": 1e999}',
        b'{"model": "x", "seed": ' + b"9" * 5_000 + b"}",
        b'{"model": "a\x00b"}',
        b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"unknown": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
    ],
)
def test_a_body_that_cannot_be_read_is_refused(raw):
    with pytest.raises(GatewayError) as refused:
        read(raw)
    assert (refused.value.status, refused.value.param) == (400, "body")


def test_nesting_beyond_reason_is_refused_where_it_is():
    deep = "x"
    for _ in range(70):
        deep = [deep]
    with pytest.raises(GatewayError) as refused:
        read({**GOOD, "tools": deep})
    assert refused.value.param == "tools"


def test_unknown_fields_are_accepted_and_go_no_further():
    ask = read({**GOOD, "temperature": 0.5, "store": True, "whatever": {"a": 1}, "n": 1})
    assert ask.body == {**GOOD, "temperature": 0.5}


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({}, 1_000),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 8}, 8),
        ({"max_tokens": 1, "max_completion_tokens": 9}, 9),
        ({"max_tokens": None}, 1_000),
    ],
)
def test_the_output_limit_is_the_one_that_was_asked_for_or_a_thousand(limits, wanted):
    assert read(GOOD | limits).output_limit == wanted


def test_the_prompt_is_the_text_of_the_messages_joined_by_one_space():
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": None},
        {"role": "user", "content": parts},
    ]
    assert read({**GOOD, "messages": messages}).prompt == "Be brief.  ab"


@pytest.mark.parametrize(
    ("fields", "stream", "usage"),
    [
        ({}, False, False),
        ({"stream": None}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream": False, "stream_options": {"include_usage": True}}, False, False),
    ],
)
def test_a_stream_and_its_usage_are_what_was_asked_for(fields, stream, usage):
    ask = read(GOOD | fields)
    assert (ask.stream, ask.include_usage) == (stream, usage)
