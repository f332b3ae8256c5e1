"""Bodies that cannot be right: 400 or 413, naming the field, nothing charged, the provider never called."""

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backend.runs.errors import RunError
from harness.backend.runs.request import RunValidator

BODIES = {
    "empty": (b"", "body"),
    "not-json": (b"input=hello", "body"),
    "not-utf8": (b'{"input": "\xff"}', "body"),
    "torn": (b'{"input": "x"', "body"),
    "nan": (b'{"input": "x", "n": NaN}', "body"),
    "too-many-digits": (b'{"input": ' + b"1" * 5000 + b"}", "body"),
    "nested": (b'{"input": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "body"),
    "list": (b"[]", "body"),
    "text": (b'"input"', "body"),
    "null": (b"null", "body"),
    "no-input": (b"{}", "input"),
    "input-null": (b'{"input": null}', "input"),
    "input-number": (b'{"input": 5}', "input"),
    "input-list": (b'{"input": ["x"]}', "input"),
    "input-object": (b'{"input": {}}', "input"),
    "input-true": (b'{"input": true}', "input"),
    "input-empty": (b'{"input": ""}', "input"),
    "input-blank": ('{"input": " \\n\\t\u00a0\u2003"}'.encode(), "input"),
    "input-nul": (b'{"input": "a\\u0000b"}', "input"),
    "input-surrogate": (b'{"input": "a\\ud800b"}', "input"),
    "last-input-counts": (b'{"input": "x", "input": ""}', "input"),
    "model-null": (b'{"input": "x", "model": null}', "model"),
    "model-number": (b'{"input": "x", "model": 4}', "model"),
    "model-list": (b'{"input": "x", "model": ["gpt-4"]}', "model"),
}


@pytest.mark.parametrize(("data", "field"), BODIES.values(), ids=BODIES)
async def test_a_bad_body_is_refused_by_its_field_and_costs_nothing(backend, user, provider, data, field):
    status, body = await backend.run(user, data=data)
    assert (status, set(body)) == (400, {"error"})
    assert field in body["error"]
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen


async def test_a_body_of_more_than_20_mb_is_refused_announced_or_not(backend, user, provider):
    large = json.dumps({"input": "x" * (20 * 1024 * 1024)}).encode()

    async def pieces():
        for start in range(0, len(large), 1 << 20):
            yield large[start : start + (1 << 20)]

    for data in (BytesIO(large), pieces()):
        status, body = await backend.run(user, data=data)
        assert (status, set(body)) == (413, {"error"})
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen


async def test_fields_that_are_not_known_are_left_alone(backend, user, provider):
    data = b'{"input": "x", "stream": true, "max_tokens": 5, "odd": "\\ud800", "deep": [[[[[]]]]], "input": "y"}'
    assert (await backend.run(user, data=data))[0] == 201
    assert provider.asked["messages"][0]["content"] == "y"
    assert provider.asked["max_tokens"] == 1000
    assert set(provider.asked) == {"model", "messages", "max_tokens", "temperature"}


async def test_what_people_write_gets_there_and_back(backend, user, provider):
    text = "Grüße, 世界 👩‍👩‍👧 \u2028 \ufeff \x7f"
    provider.body["choices"][0]["message"]["content"] = text
    _, body = await backend.run(user, {"input": text})
    assert provider.asked["messages"][0]["content"] == text
    assert (body["run"]["input"], body["run"]["output"]) == (text, text)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["input", "model", "x"]), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_read_or_refused(raw):
    try:
        ask = RunValidator().read(raw)
    except RunError as refused:
        told = refused.body()
    else:
        told = {"error": ask.input}
        assert ask.input == ask.input.strip()
    assert told["error"]


async def test_a_body_that_is_not_in_the_coding_that_it_says_is_refused(backend, user, provider):
    status, body = await backend.run(user, data=b'{"input": "x"}', headers={**user.auth, "Content-Encoding": "gzip"})
    assert (status, body) == (400, {"error": "The body is not in its Content-Encoding."})
    assert await backend.kinds(user) == ["grant"]
    assert not provider.seen
