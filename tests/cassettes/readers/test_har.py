"""HTTP archives become exchanges, with their times; what cannot be read is named with its reason."""

import base64
import gzip
import json

import pytest

from harness.cassettes.readers import Foreign, detect, har, sample
from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Segment


def entry(content: object = None, headers: list | None = None, **more: object) -> dict:
    return {
        "startedDateTime": "2026-01-01T00:00:00.000Z",
        "time": 250,
        "request": {
            "method": "post",
            "url": "https://h/v1/x",
            "headers": [{"name": "Host", "value": "h"}, {"name": ":path", "value": "/v1/x"}],
            "postData": {"mimeType": "application/json", "text": '{"model":"m"}'},
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "headers": headers or [],
            "content": {"text": "hello"} if content is None else content,
        },
        "timings": {"blocked": -1, "dns": 2, "connect": 8.5, "ssl": 4, "send": 0, "wait": 100, "receive": 150},
        **more,
    }


def read(*entries: object) -> Foreign:
    file = sample("some.har", json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode())
    assert detect(file) is har.FORMAT
    return har.read(file)


def one(content: object = None, headers: list | None = None, **more: object) -> Exchange:
    (exchange,) = read(entry(content, headers, **more)).recording.exchanges
    return exchange


def test_an_entry_becomes_an_exchange():
    exchange = one(headers=[{"name": "Set-Cookie", "value": "a"}, {"name": "Set-Cookie", "value": "b"}])
    request, response = exchange.request, exchange.response
    assert (request.method, request.url, request.body) == ("POST", "https://h/v1/x", b'{"model":"m"}')
    assert request.headers == (("Host", "h"),)
    assert response is not None
    assert (response.status, response.reason, response.body) == (200, "OK", b"hello")
    assert response.headers == (("Set-Cookie", "a"), ("Set-Cookie", "b"))
    assert exchange.fidelity is Fidelity.BODY


def test_times_are_on_one_clock_from_the_first_entry_that_started():
    late, early = read(entry(startedDateTime="2026-01-01T00:00:01.500Z"), entry()).recording.exchanges
    assert (early.request.sent_ns, late.request.sent_ns) == (0, 1_500_000_000)
    assert early.response is not None
    assert early.response.at_ns == 110_500_000
    assert early.ended_ns == 250_000_000
    assert early.response.segments == (Segment(5, 250_000_000),)
    assert late.ended_ns == 1_750_000_000


@pytest.mark.parametrize(
    "more",
    [
        {"startedDateTime": "yesterday", "time": None, "timings": None},
        {"startedDateTime": 5, "time": -1, "timings": []},
        {"startedDateTime": "0001-01-01T00:00:00+23:00", "time": float("nan"), "timings": {"wait": float("inf")}},
        {"time": "5", "timings": {"wait": True}},
    ],
)
def test_times_that_are_none_are_nought(more: dict):
    exchange = one(**more)
    assert exchange.response is not None
    assert (exchange.request.sent_ns, exchange.response.at_ns, exchange.ended_ns) == (0, 0, 0)


def test_a_time_without_a_zone_can_stand_beside_one_with():
    first, second = read(entry(), entry(startedDateTime="2026-01-01T00:00:01")).recording.exchanges
    assert (first.request.sent_ns, second.request.sent_ns) == (0, 1_000_000_000)


GZIP = [{"name": "content-encoding", "value": "gzip"}]
PACKED = gzip.compress(b"hello")
BODIES = [
    ({"text": base64.b64encode(b"hello").decode(), "encoding": "base64"}, []),
    ({"text": "hello"}, GZIP),
    ({"text": base64.b64encode(PACKED).decode(), "encoding": "base64"}, GZIP),
    ({"text": json.dumps([PACKED[:9].hex(), PACKED[9:].hex()])}, GZIP),
    (
        {"text": json.dumps([base64.b64encode(p).decode() for p in (PACKED[:9], PACKED[9:])]), "encoding": "base64"},
        GZIP,
    ),
]


@pytest.mark.parametrize(
    ("content", "headers"),
    BODIES,
    ids=["base64", "gzip, decoded", "gzip in base64", "chunks in hex", "chunks in base64"],
)
def test_bodies(content: dict, headers: list):
    exchange = one(content, headers)
    assert exchange.body == b"hello"
    assert exchange.response is not None
    assert exchange.response.headers == ()


@pytest.mark.parametrize("text", ["[1,2]", '["not hex!"]', "[", '{"a":1}'])
def test_json_is_not_taken_for_a_list_of_chunks(text: str):
    assert one({"text": text}, GZIP).body == text.encode()


def test_an_empty_body_is_none():
    assert one({"size": 0, "mimeType": "x-unknown"}).body == b""


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (entry({"size": 99, "mimeType": "text/plain"}), "saved without its bodies"),
        (entry({"text": "a", "encoding": "base64"}), "not base64"),
        (
            {**entry(), "response": {"status": 0, "_error": "net::ERR_ABORTED"}},
            "no response came: net::ERR_ABORTED",
        ),
        ({**entry(), "response": {"status": 0}}, "no response came: status 0"),
        ({**entry(), "response": {"status": "200"}}, "no status code"),
        ({**entry(), "request": {}}, "not a request with method and url"),
        (
            entry(
                {"text": base64.b64encode(b"\x8b\xff").decode(), "encoding": "base64"},
                [{"name": "content-encoding", "value": "zstd"}],
            ),
            "coded as zstd",
        ),
        (5, "not a request with method and url"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named_and_the_others_are_read(broken: object, why: str):
    foreign = read(entry(), broken, entry())
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "entry 2"
    assert why in reason


def test_a_file_without_entries_is_refused_as_a_whole():
    with pytest.raises(CassetteError, match="no list of entries"):
        har.read(sample("f", b'{"log": {}}'))
