"""httprr's raw messages become exchanges; what cannot be read is named, or the file refused."""

import gzip

import pytest

from harness.cassettes.readers import Foreign, detect, httprr, sample
from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity

REQUEST = b'POST https://h/v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 13\r\n\r\n{"model":"m"}'
RESPONSE = b"HTTP/2.0 200 OK\r\nVary: a\r\nVary: b\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"


def trace(*records: tuple[bytes, bytes]) -> bytes:
    parts = [b"%d %d\n%s%s" % (len(request), len(response), request, response) for request, response in records]
    return b"httprr trace v1\n" + b"".join(parts)


def read(data: bytes) -> Foreign:
    file = sample("some.httprr", data)
    assert detect(file) is httprr.FORMAT
    return httprr.read(file)


def one(response: bytes) -> Exchange:
    (exchange,) = read(trace((REQUEST, response))).recording.exchanges
    return exchange


@pytest.mark.parametrize("packed", [False, True])
def test_records_become_exchanges(packed: bool):
    data = trace((REQUEST, RESPONSE), (REQUEST, RESPONSE.replace(b"200 OK", b"503 ")))
    first, second = read(gzip.compress(data) if packed else data).recording.exchanges
    assert (first.request.method, first.request.url, first.request.body) == (
        "POST",
        "https://h/v1/x",
        b'{"model":"m"}',
    )
    assert first.request.header("host") == "h"
    assert first.response is not None
    assert (first.response.status, first.response.reason, first.body) == (200, "OK", b"hello")
    assert first.response.headers == (("Vary", "a"), ("Vary", "b"), ("Content-Length", "5"))
    assert first.fidelity is Fidelity.BODY
    assert (second.id, second.status) == ("p2", 503)


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n",
        b"005\nhello\n0\n\n",
    ],
    ids=["one", "several, with an extension and a trailer", "bare line ends"],
)
def test_a_chunked_body_is_put_together(chunks: bytes):
    exchange = one(CHUNKED + chunks)
    assert exchange.body == b"hello"
    assert exchange.response is not None
    assert exchange.response.headers == (("Content-Type", "text/event-stream"),)


def test_a_coded_body_is_unpacked():
    packed = gzip.compress(b"hello")
    assert one(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed).body == b"hello"


def test_a_length_is_not_held_against_a_body_that_was_scrubbed():
    assert one(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello").body == b"hello"


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (b"HTTP/1.1 200 OK", "no end of its header section"),
        (b"nonsense\r\n\r\n", "not a request line and a status line"),
        (CHUNKED + b"5\r\nhel", "cut short in a chunk"),
        (CHUNKED + b"x\r\n", "no size of a chunk at byte 0"),
        (CHUNKED + b"5\r\nhello\r\n", "no size of a chunk at byte 10"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n\x8b\xff", "coded as br"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_and_the_others_are_read(response: bytes, why: str):
    foreign = read(trace((REQUEST, RESPONSE), (REQUEST, response), (REQUEST, RESPONSE)))
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "record 2"
    assert why in reason


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"httprr trace v2\n", "version b'2' of httprr is not known"),
        (b"httprr trace v1\nnonsense\n", "no lengths of a record at byte 16"),
        (b"httprr trace v1\n99 1\nGET", "cut short"),
        (trace((REQUEST, RESPONSE)) + b"x", "no lengths of a record"),
    ],
)
def test_lengths_that_do_not_fit_refuse_the_file(data: bytes, why: str):
    with pytest.raises(CassetteError, match=why):
        read(data)


@pytest.mark.parametrize("data", [b"httprr trace v1\n", b"httprr trace v1"])
def test_an_empty_trace_has_no_exchanges(data: bytes):
    assert read(data).recording.exchanges == ()
