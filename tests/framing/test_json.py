"""JSON: strict where RFC 8259 is, lenient where a judge must see what was sent, one error for both."""

from __future__ import annotations

import json as stdlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.framing import json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

VALID = {
    "object": (b'{"a": [1, 2.5, null, true, "\\u00e9"]}', {"a": [1, 2.5, None, True, "é"]}),
    "escaped surrogate alone": (b'"\\ud800"', "\ud800"),
    "pair": (b'"\\ud83d\\ude00"', "😀"),
    "large integer": (b"123456789012345678901234567890", 123456789012345678901234567890),
    "whitespace": (b" \r\n\t1 ", 1),
}
INVALID = {
    "nothing": b"",
    "words": b"upstream failed",
    "NaN": b"[NaN]",
    "Infinity": b'{"a": -Infinity}',
    "no float holds it": b"1e999",
    "trailing": b"{} x",
    "comma": b"[1,]",
    "invalid UTF-8": b'"\xff"',
    "byte order mark": b"\xef\xbb\xbf{}",
    "leading zero": b"01",
    "control character": b'"\x01"',
    "deep": b"[" * 200_000,
    "deep and escaped": b'["\\ud800",' * 200_000,
    "digits without end": b"1" * 5_000,
}


@pytest.mark.parametrize(("body", "value"), VALID.values(), ids=VALID)
def test_valid(body: bytes, value: object) -> None:
    assert json.loads(body) == value
    assert json.loads(body.decode()) == value
    assert json.lenient(body) == value


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_invalid(body: bytes) -> None:
    with pytest.raises(DecodeError):
        json.loads(body)


def test_lenient_takes_what_bad_providers_send() -> None:
    assert math.isnan(json.lenient(b'{"prompt_tokens": NaN}')["prompt_tokens"])
    assert json.lenient("[Infinity, -Infinity]") == [math.inf, -math.inf]
    assert json.lenient(b'"\xff"') == "\ufffd"


@given(VALUES)
def test_round_trip(value: object) -> None:
    assert json.loads(stdlib.dumps(value)) == value


@given(st.binary() | st.text())
def test_any_input_gives_a_value_or_the_declared_error(data: bytes | str) -> None:
    for read in (json.loads, json.lenient):
        try:
            read(data)
        except DecodeError:
            continue
