"""The chat completions protocol: what the readers say of what real and broken endpoints send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.providers import openai
from harness.providers.openai import Kind


def chunk(fields: str) -> str:
    return 'data: {"id":"c1","object":"chat.completion.chunk",' + fields + "}\n\n"


def test_request() -> None:
    request = openai.decode_request(
        b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":5,"messages":['
        b'{"role":"system","content":"be kind"},{"role":"assistant","content":null,"tool_calls":[]},'
        b'{"role":"user","content":[{"type":"text","text":"hi [tie:0123456789.4]"},{"type":"image_url"}]}]}'
    )
    assert request == openai.ChatRequest(
        "m",
        True,
        True,
        5,
        (("system", "be kind"), ("assistant", ""), ("user", "hi [tie:0123456789.4]")),
        "0123456789.4",
    )
    assert request.prompt == "be kind  hi [tie:0123456789.4]"


NONSENSE = {
    "not JSON": b"hello",
    "list": b"[]",
    "no model": b'{"messages":[{"role":"user","content":"x"}]}',
    "empty model": b'{"model":"","messages":[{"role":"user","content":"x"}]}',
    "no messages": b'{"model":"m"}',
    "empty messages": b'{"model":"m","messages":[]}',
    "no role": b'{"model":"m","messages":[{"content":"x"}]}',
    "content is a number": b'{"model":"m","messages":[{"role":"user","content":1}]}',
    "stream is text": b'{"model":"m","stream":"yes","messages":[{"role":"user","content":"x"}]}',
    "limit is true": b'{"model":"m","max_tokens":true,"messages":[{"role":"user","content":"x"}]}',
    "limit is negative": b'{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}',
    "options is a list": b'{"model":"m","stream_options":[1],"messages":[{"role":"user","content":"x"}]}',
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_request_that_is_none(body: bytes) -> None:
    with pytest.raises(DecodeError):
        openai.decode_request(body)


def test_healthy_stream() -> None:
    body = (
        chunk('"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null')
        + chunk('"choices":[{"index":0,"delta":{"content":"Hé"},"finish_reason":null}],"usage":null')
        + chunk('"choices":[{"index":0,"delta":{"content":"llo"},"finish_reason":null}],"usage":null')
        + chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null')
        + chunk('"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}')
        + "data: [DONE]\n\n"
    ).encode()
    stream = openai.decode_stream(body)
    assert stream.text == "Héllo"
    assert [event.index for event in stream.content_events] == [1, 2]
    assert stream.finish_reasons == ("stop",)
    assert stream.done == (5,)
    assert stream.terminal
    assert stream.errors == ()
    assert stream.ids == ("c1",)
    assert openai.sane_usage(stream.usage, True) == (3, 2)
    assert b"".join(body[event.start : event.end] for event in stream.events) == body


KINDS = {
    "done": ("data: [DONE]\n\n", Kind.DONE),
    "error by name": ('event: error\ndata: {"error":{"message":"x"}}\n\n', Kind.ERROR),
    "error by name, not JSON": ("event: error\ndata: x\n\n", Kind.ERROR),
    "error in an object": ('data: {"error":{"message":"x"}}\n\n', Kind.ERROR),
    "error in a chunk": ('data: {"choices":[],"error":{"code":502}}\n\n', Kind.ERROR),
    "no error": ('data: {"choices":[],"error":null}\n\n', Kind.CHUNK),
    "not JSON": ('data: {"choices":[\n\n', Kind.MALFORMED),
    "no object": ("data: 7\n\n", Kind.OTHER),
    "another API's event": ('event: response.created\ndata: {"type":"response.created"}\n\n', Kind.OTHER),
    "chunk without choices": ('data: {"object":"chat.completion.chunk"}\n\n', Kind.CHUNK),
}


@pytest.mark.parametrize(("body", "kind"), KINDS.values(), ids=KINDS)
def test_kinds(body: str, kind: Kind) -> None:
    assert [event.kind for event in openai.decode_stream(body.encode()).events] == [kind]


ODDITIES = {
    "tool call": ('"choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0}]}}]', ""),
    "refusal": ('"choices":[{"index":0,"delta":{"refusal":"no"}}]', ""),
    "reasoning": ('"choices":[{"index":0,"delta":{"reasoning":"hm","reasoning_content":"hm"}}]', ""),
    "parts": (
        '"choices":[{"index":0,"delta":{"content":[{"type":"thinking","text":"hm"},{"type":"text","text":"a"}]}}]',
        "a",
    ),
    "choice 1": ('"choices":[{"index":1,"delta":{"content":"b"}}]', ""),
    "choice 0 second": ('"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]', "a"),
    "no index": ('"choices":[{"delta":{"content":"a"}}]', "a"),
    "choices of another type": ('"choices":{"0":1}', ""),
    "choice of another type": ('"choices":["a"]', ""),
    "delta of another type": ('"choices":[{"index":0,"delta":"a"}]', ""),
    "index of another type": ('"choices":[{"index":[],"delta":{"content":"a"}}]', ""),
}


@pytest.mark.parametrize(("fields", "text"), ODDITIES.values(), ids=ODDITIES)
def test_what_is_no_text(fields: str, text: str) -> None:
    stream = openai.decode_stream(chunk(fields).encode())
    assert stream.text == text
    assert stream.finish_reasons == ()


def test_groq_says_its_usage_in_a_place_of_its_own() -> None:
    body = chunk('"x_groq":{"id":"r"},"choices":[]') + chunk('"x_groq":{"usage":{"prompt_tokens":1}},"choices":[]')
    assert openai.decode_stream(body.encode()).usage == {"prompt_tokens": 1}


def test_a_cut_stream() -> None:
    body = (chunk('"choices":[{"index":0,"delta":{"content":"a"}}]') + 'data: {"choi').encode()
    stream = openai.decode_stream(body)
    assert stream.text == "a"
    assert not stream.terminal
    assert stream.tail == b'data: {"choi'


def test_completion() -> None:
    completion = openai.decode_completion(
        b'{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":NaN}}'
    )
    assert (completion.id, completion.model, completion.text, completion.finish_reason) == ("c", "m", "hi", "stop")
    assert openai.sane_usage(completion.usage, True) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":null}', b'{"choices":[1]}', b'{"choices":[{}]}'],
)
def test_completion_that_is_none(body: bytes) -> None:
    with pytest.raises(DecodeError):
        openai.decode_completion(body)


def test_errors() -> None:
    error = openai.decode_error(b'{"error":{"message":"m","type":"t","param":null,"code":"c"}}')
    assert error is not None
    assert (error.message, error.type, error.param, error.code) == ("m", "t", None, "c")
    short = openai.decode_error(b'{"error":"model is gone"}')
    assert short is not None
    assert short.message == "model is gone"
    wrapped = openai.decode_error(b'[{"error":{"code":400,"message":"m"}}]')
    assert wrapped is not None
    assert wrapped.code == 400
    for body in (b"", b"<html>", b"{}", b'{"error":null}', b'{"error":7}', b"[]", b"7"):
        assert openai.decode_error(body) is None


USAGES = {
    "sane": ({"prompt_tokens": 3, "completion_tokens": 2}, True, (3, 2)),
    "nothing delivered": ({"prompt_tokens": 3, "completion_tokens": 0}, False, (3, 0)),
    "none for a text": ({"prompt_tokens": 3, "completion_tokens": 0}, True, None),
    "negative": ({"prompt_tokens": -3, "completion_tokens": 2}, True, None),
    "huge": ({"prompt_tokens": 3, "completion_tokens": 10**15}, True, None),
    "not a number": ({"prompt_tokens": float("nan"), "completion_tokens": 2}, True, None),
    "float": ({"prompt_tokens": 3.0, "completion_tokens": 2}, True, None),
    "boolean": ({"prompt_tokens": True, "completion_tokens": 2}, True, None),
    "text": ({"prompt_tokens": "3", "completion_tokens": 2}, True, None),
    "half": ({"prompt_tokens": 3}, True, None),
    "absent": (None, True, None),
}


@pytest.mark.parametrize(("usage", "delivered", "tokens"), USAGES.values(), ids=USAGES)
def test_usage_that_can_be_believed(usage: object, delivered: bool, tokens: tuple[int, int] | None) -> None:
    assert openai.sane_usage(usage, delivered) == tokens


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/chat/completions", "chat.completions"),
        ("POST", "/openai/v1/chat/completions?x=/models", "chat.completions"),
        ("POST", "/chat/completions", "chat.completions"),
        ("GET", "/v1/models", "models.list"),
        ("GET", "/v1/chat/completions", None),
        ("POST", "/v1/models", None),
        ("POST", "/v1/responses", None),
    ],
)
def test_operation(method: str, path: str, name: str | None) -> None:
    assert openai.operation(method, path) == name


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "index", "error", "usage", "x_groq", "id", "model"]
            )
            | st.sampled_from(["messages", "role", "text", "type", "stream", "stream_options", "max_tokens", "object"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.binary() | JSONISH.map(lambda value: json.dumps(value).encode()))
def test_readers_take_any_bytes(body: bytes) -> None:
    for framed in (body, b"data: " + body + b"\n\n", b"event: error\ndata: " + body + b"\n\n"):
        stream = openai.decode_stream(framed)
        assert stream.terminal is (bool(stream.done) or bool(stream.finish_reasons))
        assert all(isinstance(id_, str) for id_ in stream.ids)
        openai.sane_usage(stream.usage, bool(stream.text))
    openai.decode_error(body)
    for read in (openai.decode_request, openai.decode_completion):
        try:
            read(body)
        except DecodeError:
            continue
