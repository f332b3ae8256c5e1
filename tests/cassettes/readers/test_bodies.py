"""Bodies come out of every coding that the standard library has, within one bound for a whole file."""

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.readers.base import Unreadable
from harness.cassettes.readers.bodies import (
    GZIP_BITS,
    Room,
    as_bytes,
    from_base64,
    from_hex,
    inflate,
    whole,
    without_coding,
    written_again,
)
from harness.core.errors import CassetteLimit
from harness.core.recording import Segment

CODED = [
    ("gzip", gzip.compress(b"hello")),
    ("x-gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
    ("deflate", zlib.compress(b"hello")),
    ("GZIP", b"hello"),
    ("br", b"hello"),
    ("identity", b"hello"),
    ("", b"hello"),
]


@pytest.mark.parametrize(("coding", "body"), CODED, ids=[coding or "empty" for coding, _ in CODED])
def test_a_coding_is_taken_off_where_it_is_still_on(coding: str, body: bytes):
    assert Room().decode(body, (("Content-Encoding", coding),)) == b"hello"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br"])
def test_a_coding_without_a_decoder_is_named(coding: str):
    with pytest.raises(Unreadable, match=f"coded as {coding}, for which there is no decoder"):
        Room().decode(b"\x28\xb5\x2f\xfd", (("content-encoding", coding),))


def test_a_files_bodies_share_one_bound():
    packed = gzip.compress(b"x" * 400)
    coded = (("content-encoding", "gzip"),)
    room = Room(1000)
    assert room.decode(packed, coded) == room.decode(packed, coded)
    with pytest.raises(CassetteLimit, match="unpacks to more"):
        room.decode(packed, coded)
    assert room.take(b"y" * 200) == b"y" * 200
    with pytest.raises(CassetteLimit, match="together"):
        room.take(b"y")


def test_what_unpacks_to_too_much_is_stopped_before_it_is_unpacked():
    bomb = gzip.compress(b"\0" * 20_000_000)
    with pytest.raises(CassetteLimit, match="unpacks to more"):
        inflate(bomb, GZIP_BITS, 1000)


@pytest.mark.parametrize(
    ("call", "value", "why"),
    [
        (from_base64, "a", "not base64"),
        (from_hex, "abc", "not hexadecimal"),
        (from_hex, "zz", "not hexadecimal"),
        (from_hex, "é", "not hexadecimal"),
        (as_bytes, 5, "int, not text or bytes"),
        (from_hex, None, ""),
        (from_base64, [], "list, not text or bytes"),
        (written_again, {1, 2}, "not JSON"),
    ],
)
def test_what_is_no_body_is_named(call, value: object, why: str):
    if why:
        with pytest.raises(Unreadable, match=why):
            call(value)
    else:
        assert call(value) == b""


def test_the_plain_forms():
    assert (from_base64("aGV s\nbG8="), from_hex("68656c6c6f"), as_bytes("hello")) == (b"hello",) * 3
    assert written_again({"b": 1, "a": ["ü"]}) == b'{"b":1,"a":["\\u00fc"]}'
    assert written_again(None) == b""
    assert whole(b"hello", 7) == (Segment(5, 7),)
    assert whole(b"") == ()
    assert without_coding((("Content-Encoding", "gzip"), ("X", "y"))) == (("X", "y"),)


@given(st.sampled_from(["gzip", "deflate", "br", "x"]), st.binary(max_size=80), st.integers(0, 60))
def test_any_bytes_are_decoded_or_named(coding: str, noise: bytes, cut: int):
    for body in (noise, gzip.compress(noise)[:cut] + noise, zlib.compress(noise)[:cut]):
        with suppress(Unreadable):
            assert isinstance(Room().decode(body, (("content-encoding", coding),)), bytes)
