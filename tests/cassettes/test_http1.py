"""Fed whole, byte by byte and split at random, the parsers say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.http1 import RequestParser, ResponseParser, encode, text

RESPONSES = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello", 200, b"hello", True),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n",
        200,
        b"hello",
        True,
    ),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n", 201, b"", True),
    "close": (b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello", False),
    "cut": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 200, b"hel", False),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "trailing": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1", 200, b"x", True),
}
SPLITS = st.lists(st.integers(1, 30), max_size=40)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found = []
    for size in sizes:
        found.append(data[:size])
        data = data[size:]
    return [piece for piece in [*found, data] if piece]


def feed(parts: list[bytes]):
    parser, head, body = ResponseParser("GET"), None, b""
    for part in parts:
        arrival = parser.feed(part)
        head = arrival.head or head
        body += arrival.body
    return head and head.status, body, parser.complete


@pytest.mark.parametrize(("data", "status", "body", "complete"), RESPONSES.values(), ids=RESPONSES)
@given(SPLITS)
def test_a_response_is_the_same_however_it_arrives(data, status, body, complete, sizes):
    expected = (status, body, complete)
    assert feed([data]) == feed(pieces(data, [1] * len(data))) == feed(pieces(data, sizes)) == expected


def test_the_close_completes_what_it_delimits_and_nothing_else():
    results = {}
    for name, (data, *_rest) in RESPONSES.items():
        parser = ResponseParser("GET")
        parser.feed(data)
        results[name] = (parser.finish(), parser.finish(), parser.error)
    assert results.pop("cut") == (False, False, None)
    assert set(results.values()) == {(True, True, None)}
    assert not ResponseParser("GET").finish()


def test_a_head_has_no_body():
    parser = ResponseParser("HEAD")
    arrival = parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert (arrival.complete, arrival.body) == (True, b"")


def test_what_is_not_http_is_told_and_not_raised():
    parser = ResponseParser("GET")
    assert parser.feed(b"nonsense\r\n\r\n").head is None
    assert "nonsense" in parser.error
    assert parser.feed(b"HTTP/1.1 200 OK\r\n\r\n").head is None
    broken = ResponseParser("GET")
    arrival = broken.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\nzz\r\n")
    assert (arrival.body, arrival.complete) == (b"he", False)
    assert broken.error


@given(st.binary(max_size=80).map(lambda data: b"HTTP/1.1 200 OK\r\n" + data))
def test_any_bytes_are_survived(data):
    parser, request = ResponseParser("GET"), RequestParser()
    parser.feed(data)
    parser.finish()
    request.feed(data)
    assert isinstance(request.body, bytes)


REQUESTS = {
    "length": (b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "chunks": (
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        b"abc",
    ),
    "none": (b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", b""),
    "not for h11": (b"POST /x HTTP/1.1\r\nBad Name: h\r\n\r\nabc", b"abc"),
}


@pytest.mark.parametrize(("data", "body"), REQUESTS.values(), ids=REQUESTS)
@given(SPLITS)
def test_a_request_is_the_same_however_it_is_sent(data, body, sizes):
    for parts in ([data], pieces(data, [1] * len(data)), pieces(data, sizes)):
        parser = RequestParser()
        for part in parts:
            parser.feed(part)
        assert (parser.body, parser.complete) == (body, True)
        assert parser.headers is None or parser.headers[0] == ("Host", "h")


def test_a_request_is_complete_when_it_is():
    parser = RequestParser()
    parser.feed(REQUESTS["length"][0][:-1])
    assert (parser.complete, parser.body) == (False, b"ab")


@given(st.binary(max_size=50))
def test_header_bytes_come_back(data):
    assert encode(text(data)) == data
