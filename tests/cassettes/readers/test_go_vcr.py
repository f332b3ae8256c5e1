"""go-vcr's cassettes become exchanges, with the one time that they keep; what cannot be read is named."""

import gzip

import pytest
import yaml

from harness.cassettes.readers import Foreign, detect, go_vcr, sample
from harness.cassettes.readers.go_vcr import duration_ns
from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Segment, Source

V1 = """---
version: 1
interactions:
- request:
    body: '{"model":"m"}'
    form: {}
    headers:
      Accept:
      - application/json
    url: https://h/v1/x
    method: POST
  response:
    body: hello
    headers:
      Content-Type:
      - text/plain
    status: 429 Too Many Requests
    code: 429
    duration: ""
"""
V2 = """---
version: 2
interactions:
- id: 0
  request:
    proto: HTTP/1.1
    content_length: 2
    transfer_encoding: []
    host: api.example
    body: '{}'
    headers: {}
    url: /v1/x
    method: POST
  response:
    proto: HTTP/2.0
    content_length: -1
    uncompressed: true
    body: !!binary AAEC/w==
    headers: {}
    status: 200 OK
    code: 200
    duration: 1.5s
- id: 1
  request: {url: 'https://h/v1/y', method: ''}
  response: {code: 200, body: more, duration: 250ms}
"""


def read(text: str) -> Foreign:
    file = sample("some.yaml", text.encode())
    assert detect(file) is go_vcr.FORMAT
    return go_vcr.read(file)


def interaction(**response: object) -> dict:
    return {"request": {"url": "https://h/", "method": "GET"}, "response": {"code": 200, "body": "hello", **response}}


def one(**response: object) -> Exchange:
    (exchange,) = read(yaml.safe_dump({"version": 2, "interactions": [interaction(**response)]})).recording.exchanges
    return exchange


def test_the_first_version():
    foreign = read(V1)
    assert foreign.recording.header.source is Source.THIRD_PARTY
    (exchange,) = foreign.recording.exchanges
    request, response = exchange.request, exchange.response
    assert (request.method, request.url, request.body) == ("POST", "https://h/v1/x", b'{"model":"m"}')
    assert request.headers == (("Accept", "application/json"),)
    assert response is not None
    assert (response.status, response.reason, response.body) == (429, "Too Many Requests", b"hello")
    assert exchange.fidelity is Fidelity.BODY
    assert (response.at_ns, exchange.ended_ns) == (0, 0)


def test_the_second_version_with_several_interactions_and_their_times():
    first, second = read(V2).recording.exchanges
    assert first.request.header("host") == "api.example"
    assert first.body == b"\x00\x01\x02\xff"
    assert first.response is not None
    assert first.response.at_ns == first.ended_ns == 1_500_000_000
    assert first.response.segments == (Segment(4, 1_500_000_000),)
    assert (second.id, second.request.method, second.body) == ("p2", "GET", b"more")
    assert second.ended_ns == 250_000_000


def test_a_body_that_go_did_not_unpack_is_unpacked():
    exchange = one(body=gzip.compress(b"hello"), headers={"Content-Encoding": ["gzip"]})
    assert exchange.body == b"hello"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1.968063083s", 1_968_063_083),
        ("1m2.5s", 62_500_000_000),
        ("1h0m0s", 3_600_000_000_000),
        ("250ms", 250_000_000),
        ("1.5µs", 1_500),
        ("7ns", 7),
        (42, 42),
        ("", 0),
        ("soon", 0),
        ("-1s", 0),
        (-1, 0),
        (None, 0),
        (True, 0),
        ("9" * 400 + "s", 0),
    ],
)
def test_durations_as_go_writes_them(text: object, ns: int):
    assert duration_ns(text) == ns


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (interaction(code="200"), "no status code"),
        (interaction(body=b"\xff\x8b", headers={"content-encoding": ["br"]}), "coded as br"),
        (interaction(body=["x"]), "list, not text or bytes"),
        ({"request": {"method": "GET"}, "response": {}}, "not a request with a url"),
        ({"request": {"url": "u"}}, "and its response"),
        (None, "not a request with a url"),
    ],
)
def test_an_interaction_that_cannot_be_read_is_named_and_the_others_are_read(broken: object, why: str):
    foreign = read(yaml.safe_dump({"version": 2, "interactions": [interaction(), broken, interaction()]}))
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "interaction 2"
    assert why in reason


def test_a_file_without_interactions_is_refused_as_a_whole():
    with pytest.raises(CassetteError, match="no list of interactions"):
        go_vcr.read(sample("f", b"interactions: 5\n"))
