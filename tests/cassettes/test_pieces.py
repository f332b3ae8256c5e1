from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cassettes.http1 import ResponseParser
from harness.cassettes.pieces import script
from harness.core.recording import Ending, Exchange, Request, Response, Segment, Side

CHUNKED = (("Transfer-Encoding", "chunked"),)
LENGTH = (("Content-Length", "4"),)


def exchange(headers=CHUNKED, body=b"abcd", ends=(2, 4), ending=Ending.EOF, method="GET", status=200) -> Exchange:
    segments = tuple(Segment(end, 10 * number) for number, end in enumerate(ends, 1))
    return Exchange(
        id="c1",
        side=Side.CLIENT,
        operation="x",
        request=Request(method, "http://h/"),
        response=Response(status, "OK", headers, 5, body, segments),
        ending=ending,
        ended_ns=99,
    )


CASES = {
    "chunks": (exchange(), [(10, b"2\r\nab\r\n"), (20, b"2\r\ncd\r\n"), (99, b"0\r\n\r\n")], False),
    "length": (exchange(LENGTH), [(10, b"ab"), (20, b"cd")], False),
    "close": (exchange(()), [(10, b"ab"), (20, b"cd")], True),
    "cut chunks": (exchange(ending=Ending.FIN), [(10, b"2\r\nab\r\n"), (20, b"2\r\ncd\r\n")], False),
    "no segments": (exchange(LENGTH, ends=()), [], False),
    "no content": (exchange((), b"", (), status=204), [], False),
    "head": (exchange(LENGTH, b"", (), method="HEAD"), [], False),
}


@pytest.mark.parametrize(("given", "body_pieces", "close"), CASES.values(), ids=CASES)
def test_pieces(given, body_pieces, close):
    made = script(given)
    (at_ns, head), *rest = made.pieces
    assert at_ns == 5
    assert head.startswith(b"HTTP/1.1 %d OK\r\n" % given.status)
    assert rest == body_pieces
    assert (made.close, made.ended_ns, made.ending) == (close, 99, given.ending)


@pytest.mark.parametrize("given", [case[0] for case in CASES.values()], ids=CASES)
def test_the_pieces_are_the_response_for_a_parser(given):
    parser, body = ResponseParser(given.request.method), b""
    for _, data in script(given).pieces:
        body += parser.feed(data).body
    assert body == given.body
    assert parser.complete or parser.finish() == (given.ending is Ending.EOF)


def test_what_arrived_together_is_one_piece():
    together = replace(exchange().response, segments=(Segment(4, 5),))
    (first, last) = script(replace(exchange(), response=together)).pieces
    assert first[1].endswith(b"\r\n\r\n4\r\nabcd\r\n")
    assert last == (99, b"0\r\n\r\n")


def test_a_length_that_no_longer_fits_is_made_to_fit():
    ((_, head),) = script(exchange((("Content-Length", "99"),), ends=())).pieces
    assert head.endswith(b"Content-Length: 4\r\n\r\nabcd")
    ((_, cut),) = script(exchange((("Content-Length", "99"),), ends=(), ending=Ending.FIN)).pieces
    assert b"Content-Length: 99\r\n" in cut


def test_no_response_has_no_pieces():
    made = script(replace(exchange(ending=Ending.CONNECT_ERROR), response=None, error="why"))
    assert (made.pieces, made.ending, made.error) == ([], Ending.CONNECT_ERROR, "why")
