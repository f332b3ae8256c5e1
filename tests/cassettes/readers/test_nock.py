"""nock's definitions become exchanges; a body that it parsed says so."""

import gzip
import json

import pytest

from harness.cassettes.readers import Foreign, detect, nock, sample
from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity


def definition(**more: object) -> dict:
    return {
        "scope": "https://h:443",
        "method": "POST",
        "path": "/v1/x",
        "body": {"model": "m"},
        "status": 200,
        "response": "hello",
        "rawHeaders": ["Vary", "a", "Vary", "b"],
        "responseIsBinary": False,
        **more,
    }


def read(*definitions: object) -> Foreign:
    file = sample("some.json", json.dumps(definitions).encode())
    assert detect(file) is nock.FORMAT
    return nock.read(file)


def one(**more: object) -> Exchange:
    (exchange,) = read(definition(**more)).recording.exchanges
    return exchange


def test_a_definition_becomes_an_exchange():
    exchange = one(reqheaders={"accept": "x"})
    request, response = exchange.request, exchange.response
    assert (request.method, request.url, request.body) == ("POST", "https://h:443/v1/x", b'{"model":"m"}')
    assert request.headers == (("accept", "x"),)
    assert response is not None
    assert (response.status, response.body) == (200, b"hello")
    assert response.headers == (("Vary", "a"), ("Vary", "b"))
    assert exchange.fidelity is Fidelity.BODY


PACKED = gzip.compress(b"hello")
GZIP = {"content-encoding": "gzip"}
BODIES = [
    ({"response": "hello"}, b"hello", Fidelity.BODY),
    ({"response": b"\x00\xff".hex(), "responseIsBinary": True}, b"\x00\xff", Fidelity.BODY),
    ({"response": [PACKED[:9].hex(), PACKED[9:].hex()], "rawHeaders": GZIP}, b"hello", Fidelity.BODY),
    ({"response": {"b": 1, "a": "ü"}}, b'{"b":1,"a":"\\u00fc"}', Fidelity.NORMALIZED),
    ({"response": ["00", "ff"]}, b'["00","ff"]', Fidelity.NORMALIZED),
    ({"response": ["words"], "rawHeaders": GZIP}, b'["words"]', Fidelity.NORMALIZED),
    ({"response": 5}, b"5", Fidelity.NORMALIZED),
]


@pytest.mark.parametrize(
    ("more", "body", "fidelity"),
    BODIES,
    ids=["text", "hex", "chunks of hex", "JSON", "a JSON list", "a JSON list under a coding", "a JSON number"],
)
def test_bodies(more: dict, body: bytes, fidelity: Fidelity):
    exchange = one(**more)
    assert (exchange.body, exchange.fidelity) == (body, fidelity)
    assert exchange.response is not None
    assert exchange.response.header("content-encoding") is None


@pytest.mark.parametrize(("asked", "body"), [("", b""), ("text", b"text"), (None, b""), ([1], b"[1]")])
def test_request_bodies(asked: object, body: bytes):
    assert one(body=asked).request.body == body


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (definition(responseIsBinary=True, response="xyz"), "not hexadecimal"),
        (definition(responseIsBinary=True, response={}), "dict, not text or bytes"),
        (definition(status="200"), "no status code"),
        (definition(path=["re"]), "not a scope, a method and a path"),
        (definition(response=["8bff"], rawHeaders={"content-encoding": "br"}), "coded as br"),
    ],
)
def test_a_definition_that_cannot_be_read_is_named_and_the_others_are_read(broken: object, why: str):
    foreign = read(definition(), broken, definition())
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "definition 2"
    assert why in reason


def test_a_file_that_is_no_list_is_refused_as_a_whole():
    with pytest.raises(CassetteError, match="no list of definitions"):
        nock.read(sample("f", b"{}"))
