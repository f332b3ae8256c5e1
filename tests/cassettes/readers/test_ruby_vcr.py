"""Ruby's VCR and R's vcr become exchanges; what cannot be read is named with its reason."""

import base64
import gzip
import json

import pytest
import yaml

from harness.cassettes.readers import Foreign, detect, ruby_vcr, sample
from harness.core.errors import CassetteError
from harness.core.recording import Ending, Exchange, Fidelity, Side, Source

RUBY = """---
http_interactions:
- request:
    method: post
    uri: https://h/v1/x
    body:
      encoding: UTF-8
      string: '{"model":"m"}'
    headers:
      Content-Type:
      - application/json
  response:
    status:
      code: 404
      message: Not Found
    headers:
      Set-Cookie:
      - a=1
      - b=2
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        aGVsbG/Dvw==
  recorded_at: Mon, 01 Jan 2024 00:00:00 GMT
recorded_with: VCR 6.1.0
"""
R = """http_interactions:
- request:
    method: GET
    uri: https://h/v1/y
  response:
    status: 200
    headers:
      content-type: text/plain
    body:
      string: hello
  recorded_at: 2026-01-01 00:00:00
recorded_with: VCR-vcr/2.1.0
"""


def read(text: str) -> Foreign:
    file = sample("some.yml", text.encode())
    assert detect(file) is ruby_vcr.FORMAT
    return ruby_vcr.read(file)


def interaction(**response: object) -> dict:
    return {
        "request": {"method": "get", "uri": "https://h/"},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "hello"}, **response},
    }


def one(**response: object) -> Exchange:
    (exchange,) = read(yaml.safe_dump({"http_interactions": [interaction(**response)]})).recording.exchanges
    return exchange


def test_rubys_form():
    foreign = read(RUBY)
    assert foreign.recording.header.source is Source.THIRD_PARTY
    (exchange,) = foreign.recording.exchanges
    assert (exchange.id, exchange.side, exchange.ending) == ("p1", Side.PROVIDER, Ending.EOF)
    assert exchange.fidelity is Fidelity.BODY
    request, response = exchange.request, exchange.response
    assert (request.method, request.url, request.body) == ("POST", "https://h/v1/x", b'{"model":"m"}')
    assert request.headers == (("Content-Type", "application/json"),)
    assert response is not None
    assert (response.status, response.reason, response.body) == (404, "Not Found", "helloÿ".encode())
    assert response.headers == (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))


def test_rs_form():
    (exchange,) = read(R).recording.exchanges
    assert exchange.response is not None
    assert (exchange.request.method, exchange.request.body, exchange.body) == ("GET", b"", b"hello")
    assert (exchange.response.status, exchange.response.headers) == (200, (("content-type", "text/plain"),))


def test_the_json_serializer_is_read_too():
    text = json.dumps({"http_interactions": [interaction()], "recorded_with": "VCR 6"})
    assert [exchange.body for exchange in read(text).recording.exchanges] == [b"hello"]


BODIES = [
    ({"string": "é"}, {}, "é".encode()),
    ({"base64_string": base64.b64encode(b"\xff").decode()}, {}, b"\xff"),
    ({"string": gzip.compress(b"hello")}, {"Content-Encoding": ["gzip"]}, b"hello"),
    ({"string": "hello"}, {"Content-Encoding": ["br"]}, b"hello"),
    ({"fields": {"file": {}}}, {}, b""),
    (None, {}, b""),
    ("hello", {}, b"hello"),
]


@pytest.mark.parametrize(
    ("body", "headers", "want"),
    BODIES,
    ids=["text", "base64", "gzip", "br, decoded", "a form's fields", "none", "plain"],
)
def test_bodies(body: object, headers: dict, want: bytes):
    exchange = one(body=body, headers=headers)
    assert exchange.body == want
    assert exchange.response is not None
    assert exchange.response.header("content-encoding") is None


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (interaction(body={"string": b"\x8b\xff"}, headers={"content-encoding": ["zstd"]}), "coded as zstd"),
        (interaction(body={"file": True, "string": "x.bin"}), "a file of its own"),
        (interaction(body={"base64_string": "a"}), "not base64"),
        (interaction(status={"message": "OK"}), "no status code"),
        ({"request": {"method": "get"}, "response": {}}, "not a request with method and uri"),
        (5, "not a request with method and uri"),
    ],
)
def test_an_interaction_that_cannot_be_read_is_named_and_the_others_are_read(broken: object, why: str):
    foreign = read(yaml.safe_dump({"http_interactions": [interaction(), broken, interaction()]}))
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "interaction 2"
    assert why in reason


def test_a_file_without_interactions_is_refused_as_a_whole():
    with pytest.raises(CassetteError, match="no list of http_interactions"):
        ruby_vcr.read(sample("f", b"http_interactions: 5\n"))
