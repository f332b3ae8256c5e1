"""Event streams: the standard's own examples of behaviour, three ways of feeding, and bounds."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.framing import sse

FIELDS = [
    "data: a",
    "data:b",
    "data",
    "data:  two",
    "data: é漢🌊",
    "event: error",
    "id: 7",
    "id: \0",
    "id",
    "retry: 30",
]
OTHERS = ["retry: x", ": note", ":", "error: {}", "foo", "", "", "\ufeffdata: bom", " data: x"]
LINES = st.sampled_from([*FIELDS, *OTHERS])
ENDS = st.sampled_from(["\n", "\r", "\r\n"])
TEXTS = st.lists(st.tuples(LINES, ENDS), max_size=25).map(lambda parts: "".join(a + b for a, b in parts).encode())
STREAMS = st.one_of(TEXTS, st.binary(max_size=80), st.tuples(TEXTS, st.binary(max_size=9)).map(b"".join))


def fed(pieces: Iterable[bytes], limit_bytes: int = sse.LIMIT_BYTES) -> sse.Decoded:
    decoder = sse.Decoder(limit_bytes=limit_bytes)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    decoder.finish()
    return sse.Decoded(tuple(events), tuple(decoder.comments), tuple(decoder.strays), decoder.tail)


def one_by_one(body: bytes) -> list[bytes]:
    return [body[index : index + 1] for index in range(len(body))]


@given(STREAMS, st.data())
def test_the_events_are_the_same_however_the_bytes_are_cut(body: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    whole = sse.decode(body)
    assert fed([body]) == whole
    assert fed(one_by_one(body)) == whole
    assert fed(pieces) == whole


@given(STREAMS)
def test_an_event_lies_where_it_says(body: bytes) -> None:
    decoded = sse.decode(body)
    end = 0
    for event in decoded.events:
        assert end <= event.start < event.end <= len(body)
        end = event.end
        alone = sse.decode(body[event.start : event.end])
        assert [(again.type, again.data, again.retry) for again in alone.events] == [
            (event.type, event.data, event.retry)
        ]
    assert body.endswith(decoded.tail)


EXAMPLES = {
    "multi-line": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
    "comment, id, empty id, unterminated": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        [("message", "first event", "1"), ("message", "second event", "")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
    "one space": (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
    "named": (b"event: add\ndata: 73857293\n\n", [("add", "73857293", "")]),
    "a name without data is dropped": (b"event: add\n\ndata: x\n\n", [("message", "x", "")]),
    "ids stay": (b"id: 1\ndata: a\n\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
    "NULL in an id": (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
    "CR": (b"data: a\rdata: b\r\rdata: c\r\r", [("message", "a\nb", ""), ("message", "c", "")]),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\n", [("message", "a\nb", "")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
    "only one byte order mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "invalid UTF-8": (b"data: \xe6\xbc\n\n", [("message", "\ufffd", "")]),
    "names have a case": (b"Data: a\n\n", []),
    "empty": (b"", []),
}


@pytest.mark.parametrize(("body", "events"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples(body: bytes, events: list[tuple[str, str, str]]) -> None:
    assert [(event.type, event.data, event.id) for event in sse.decode(body).events] == events


def test_what_is_no_event_is_reported() -> None:
    body = b": hello\nerror: {}\ndata: a\n\nretry: 500\n\ndata: b\n: inside\nda"
    decoder = sse.Decoder()
    decoder.feed(body)
    assert decoder.comments == [(0, "hello"), (body.index(b": inside"), "inside")]
    assert decoder.strays == [(8, "error: {}")]
    assert decoder.retry == 500
    assert decoder.tail == b"data: b\n: inside\nda"


def test_retry_belongs_to_its_event() -> None:
    assert [event.retry for event in sse.decode(b"retry: 10\ndata: a\n\nretry: 1a\ndata: b\n\n").events] == [10, None]


def test_offsets_leave_out_what_is_around_an_event() -> None:
    body = b": note\n\ndata: a\r\n\r\ndata: b\n\n"
    assert [body[event.start : event.end] for event in sse.decode(body).events] == [b"data: a\r\n\r", b"data: b\n\n"]


@pytest.mark.parametrize("body", [b"data: " + b"x" * 100, b"data: x\n" * 20, b": " + b"x" * 100])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_length_is_bounded(body: bytes, step: int) -> None:
    with pytest.raises(DecodeError, match="64 bytes"):
        fed((body[start : start + step] for start in range(0, len(body), step)), limit_bytes=64)


def test_nothing_comes_after_the_end() -> None:
    decoder = sse.Decoder()
    decoder.finish()
    with pytest.raises(DecodeError):
        decoder.feed(b"data: a\n\n")


def test_time_is_linear() -> None:
    line = b"data: " + b"x" * 1_000_000 + b"\n\n"
    many = b"data: x\n\n" * 20_000
    began = time.perf_counter()
    assert len(fed(one_by_one(line)).events) == 1
    assert len(fed(one_by_one(many)).events) == 20_000
    assert len(sse.decode(b"\n" * 2_000_000 + many).events) == 20_000
    assert time.perf_counter() - began < 20


@given(st.text(), st.none() | st.just("error"), st.none() | st.just("é7"), st.sampled_from(["\n", "\r", "\r\n"]))
def test_what_is_encoded_is_decoded(data: str, type_: str | None, id_: str | None, newline: str) -> None:
    try:
        body = sse.comment("note", newline) + sse.encode(data, type=type_, id=id_, newline=newline)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    decoded = sse.decode(body)
    plain = data.replace("\r\n", "\n").replace("\r", "\n")
    assert [(event.type, event.data, event.id) for event in decoded.events] == [(type_ or "message", plain, id_ or "")]
    assert decoded.comments == ((0, "note"),)
    assert decoded.tail == b""


def test_a_field_is_one_line() -> None:
    with pytest.raises(ValueError, match="one line"):
        sse.encode("a", type="x\ny")
