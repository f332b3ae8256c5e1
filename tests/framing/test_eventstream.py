"""AWS event streams: frames however they are cut, both CRCs, every type of header, and bytes that are none of it."""

from __future__ import annotations

import struct
import uuid
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.framing.eventstream import LEAST_BYTES, Decoder, Header, Message, Type, decode, encode

EVENT = Header(":event-type", "chunk")
CHARACTERS = st.characters(exclude_categories=["Cs"])
NAMES = st.text(CHARACTERS, min_size=1, max_size=20)
TEXTS = st.text(CHARACTERS, max_size=50)


def _numbers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


VALUES = st.one_of(
    st.just((True, Type.TRUE)),
    st.just((False, Type.FALSE)),
    _numbers(8).map(lambda n: (n, Type.BYTE)),
    _numbers(16).map(lambda n: (n, Type.SHORT)),
    _numbers(32).map(lambda n: (n, Type.INTEGER)),
    _numbers(64).map(lambda n: (n, Type.LONG)),
    _numbers(64).map(lambda n: (n, Type.TIMESTAMP)),
    st.binary(max_size=50).map(lambda raw: (raw, Type.BYTES)),
    TEXTS.map(lambda text: (text, Type.STRING)),
    st.uuids().map(lambda one: (one, Type.UUID)),
)
HEADERS = st.lists(st.builds(lambda name, value: Header(name, *value), NAMES, VALUES), max_size=5)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=5)


def frames_of(sent: list[tuple[list[Header], bytes]]) -> tuple[bytes, list[Message]]:
    """The stream, and what a decoder must make of it."""
    body, messages = b"", []
    for headers, payload in sent:
        frame = encode(headers, payload)
        messages.append(Message(tuple(headers), payload, len(body), len(body) + len(frame)))
        body += frame
    return body, messages


def cut(body: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(body) + 1) for point in points), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


def fed(pieces: list[bytes]) -> tuple[list[Message], Decoder]:
    decoder = Decoder()
    return [message for piece in pieces for message in decoder.feed(piece)], decoder


def test_a_frame_by_the_letter():
    headers = b"\x0b:event-type\x07\x00\x05chunk"
    head = struct.pack(">II", 16 + len(headers) + 2, len(headers))
    frame = head + struct.pack(">I", zlib.crc32(head)) + headers + b"{}"
    frame += struct.pack(">I", zlib.crc32(frame))
    assert encode([EVENT], b"{}") == frame
    assert decode(frame).messages == (Message((EVENT,), b"{}", 0, len(frame)),)


def test_the_empty_frame_of_the_documentation():
    assert encode([]) == bytes.fromhex("000000100000000005c248eb7d98c8ff")
    assert decode(encode([])).messages == (Message((), b"", 0, LEAST_BYTES),)


@given(FRAMES, st.lists(st.integers(0, 10_000)))
def test_it_does_not_matter_where_the_bytes_were_cut(sent, points):
    body, messages = frames_of(sent)
    for pieces in ([body], [bytes([one]) for one in body], cut(body, points)):
        found, decoder = fed(pieces)
        assert found == messages
        assert decoder.tail == b""
        assert decoder.trouble is None


@given(FRAMES, st.binary(max_size=64), st.lists(st.integers(0, 10_000)))
def test_any_bytes_are_taken_and_none_is_lost(sent, rest, points):
    body = frames_of(sent)[0] + rest
    whole = decode(body)
    found, decoder = fed(cut(body, points))
    assert tuple(found) == whole.messages
    assert decoder.tail == whole.tail
    assert str(decoder.trouble) == str(whole.trouble)
    read = whole.messages[-1].end if whole.messages else 0
    assert body[read:] == whole.tail


@given(HEADERS, st.binary(max_size=50), st.data())
def test_half_a_frame_is_the_tail(headers, payload, data):
    frame = encode(headers, payload)
    end = data.draw(st.integers(1, len(frame) - 1))
    decoded = decode(frame + frame[:end])
    assert len(decoded.messages) == 1
    assert decoded.tail == frame[:end]
    assert decoded.trouble is None


@given(HEADERS, st.binary(max_size=50), st.data())
def test_every_wrong_bit_is_seen(headers, payload, data):
    frame = bytearray(encode(headers, payload))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= 1 << data.draw(st.integers(0, 7))
    good = encode([EVENT], b"{}")
    decoded = decode(good + bytes(frame) + good)
    if place < 12:
        assert decoded.trouble is not None
        assert decoded.trouble.where == f"byte {len(good)}"
        assert decoded.tail == bytes(frame) + good
    else:
        first, wrong, last = decoded.messages
        assert wrong.damage == "the CRC of the frame is wrong"
        assert (first.damage, last.damage) == (None, None)


def framed(block: bytes) -> bytes:
    head = struct.pack(">II", LEAST_BYTES + len(block), len(block))
    frame = head + struct.pack(">I", zlib.crc32(head)) + block
    return frame + struct.pack(">I", zlib.crc32(frame))


BROKEN = {
    b"\x05ab": "a header is cut short",
    b"\x01a": "a header is cut short",
    b"\x01a\x0a": "a header has the unknown type 10",
    b"\x01a\x07\x00": "a header is cut short",
    b"\x01a\x07\x00\x05abc": "a header is cut short",
    b"\x01a\x09abc": "a header is cut short",
    b"\x01a\x04\x00": "a header is cut short",
    b"\x01a\x07\x00\x01\xff": "a header is not UTF-8",
    b"\x01\xff\x00": "a header is not UTF-8",
}


@pytest.mark.parametrize(("block", "damage"), BROKEN.items(), ids=range(len(BROKEN)))
def test_headers_that_cannot_be_read_are_marked(block, damage):
    (message,) = decode(framed(block)).messages
    assert (message.damage, message.headers) == (damage, ())


@pytest.mark.parametrize(("total", "headers"), [(15, 0), (20, 8), (200_000, 140_000), (26 * 1024 * 1024, 0)])
def test_lengths_that_cannot_be(total, headers):
    head = struct.pack(">II", total, headers)
    decoded = decode(head + struct.pack(">I", zlib.crc32(head)))
    assert decoded.trouble is not None
    assert decoded.trouble.where == "byte 0"


def test_after_a_trouble_nothing_is_read():
    decoder = Decoder()
    assert decoder.feed(bytes(12)) == []
    assert decoder.feed(encode([])) == []
    assert decoder.tail == bytes(12) + encode([])


def test_the_limit_can_be_another():
    decoder = Decoder(limit_bytes=10)
    assert len(decoder.feed(encode([EVENT], bytes(10)))) == 1
    assert decoder.feed(encode([], bytes(11))) == []
    assert "more than 10 bytes" in str(decoder.trouble)


@pytest.mark.parametrize(
    "header",
    [
        Header("", "x"),
        Header("a" * 256, "x"),
        Header("a", 1),
        Header("a", "x" * 65_536),
        Header("a", 128, Type.BYTE),
        Header("a", True, Type.INTEGER),
        Header("a", True, Type.FALSE),
        Header("a", "x", Type.UUID),
    ],
)
def test_what_a_header_cannot_hold(header):
    with pytest.raises(ValueError, match=r"header|fit|is no"):
        encode([header])


def test_a_header_by_name():
    one = Message((EVENT, Header("n", 1, Type.LONG), Header("u", uuid.UUID(int=0), Type.UUID)), b"")
    assert (one.text(":event-type"), one.text("n"), one.text("absent")) == ("chunk", None, None)
