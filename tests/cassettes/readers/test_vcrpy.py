"""vcrpy's cassettes become exchanges; what cannot be read is named with its reason."""

import base64
import gzip
import json
import zlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.readers import Foreign, detect, sample, vcrpy
from harness.core.errors import CassetteError
from harness.core.recording import Ending, Exchange, Fidelity, Side, Source


def interaction(**response: object) -> dict:
    return {
        "request": {"body": '{"model":"m"}', "headers": {"host": ["h"]}, "method": "post", "uri": "https://h/v1/x"},
        "response": {"body": {"string": "hello"}, "headers": {}, "status": {"code": 200, "message": "OK"}, **response},
    }


def read(*interactions: object, as_json: bool = False) -> Foreign:
    document = {"interactions": list(interactions), "version": 1}
    text = json.dumps(document) if as_json else yaml.safe_dump(document, allow_unicode=True)
    file = sample("some.yaml", text.encode())
    assert detect(file) is vcrpy.FORMAT
    return vcrpy.read(file)


def one(**response: object) -> Exchange:
    (exchange,) = read(interaction(**response)).recording.exchanges
    return exchange


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interaction_becomes_an_exchange_of_the_providers_side(as_json: bool):
    headers = {"Content-Type": ["text/plain"], "Set-Cookie": ["a=1", "b=2"], "Server": "one"}
    foreign = read(interaction(headers=headers), as_json=as_json)
    assert foreign.recording.header.source is Source.THIRD_PARTY
    assert (foreign.path, foreign.format, foreign.unread) == ("some.yaml", "vcrpy", ())
    (exchange,) = foreign.recording.exchanges
    assert (exchange.id, exchange.side, exchange.ending) == ("p1", Side.PROVIDER, Ending.EOF)
    assert exchange.fidelity is Fidelity.BODY
    assert (exchange.request.method, exchange.request.url) == ("POST", "https://h/v1/x")
    assert exchange.request.body == b'{"model":"m"}'
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.reason, exchange.body) == (200, "OK", b"hello")
    assert [segment.end for segment in exchange.response.segments] == [5]
    assert set(exchange.response.headers) == {
        ("Content-Type", "text/plain"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Server", "one"),
    }


def test_a_parsed_body_is_written_again_and_says_so():
    parsed = interaction(body=None, parsed_body={"b": 1, "a": ["ü", None]})
    parsed["request"]["parsed_body"] = {"model": "m"}
    del parsed["request"]["body"]
    (exchange,) = read(parsed).recording.exchanges
    assert exchange.fidelity is Fidelity.NORMALIZED
    assert json.loads(exchange.body) == {"b": 1, "a": ["ü", None]}
    assert json.loads(exchange.request.body) == {"model": "m"}


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"hello")),
        ("gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
        ("deflate", zlib.compress(b"hello")),
        ("gzip", b"hello"),
        ("br", b"hello"),
        ("identity", b"hello"),
    ],
    ids=["gzip", "gzip in two members", "deflate", "gzip, decoded by the recorder", "br, decoded", "identity"],
)
def test_a_coded_body_is_decoded_and_loses_its_header(coding: str, packed: bytes):
    exchange = one(headers={"Content-Encoding": [coding], "X": ["y"]}, body={"string": packed})
    assert exchange.body == b"hello"
    assert exchange.response is not None
    assert exchange.response.headers == (("X", "y"),)


def test_the_older_form_of_bytes_is_read():
    assert one(body={"base64_string": base64.b64encode(b"\xff\x00").decode()}).body == b"\xff\x00"


def test_bodies_may_be_absent():
    exchange = one(body=None)
    assert exchange.body == b""
    assert exchange.response is not None
    assert exchange.response.segments == ()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (interaction(headers={"content-encoding": ["br"]}, body={"string": b"\x8b\xff\x00"}), "coded as br"),
        (interaction(headers={"content-encoding": ["gzip"]}, body={"string": gzip.compress(b"x" * 99)[:-9]}), "cut"),
        (interaction(headers={"content-encoding": ["gzip"]}, body={"string": b"\x1f\x8b\x08\xff\xff"}), "broken|cut"),
        (interaction(status={"code": "200"}), "no status code"),
        (interaction(body={"string": 5}), "int, not text or bytes"),
        (interaction(body={"base64_string": "a"}), "not base64"),
        ({"request": {"method": "GET", "uri": "u"}}, "and its response"),
        ({"request": {"uri": "u"}, "response": {}}, "method and uri"),
    ],
)
def test_an_interaction_that_cannot_be_read_is_named_and_the_others_are_read(broken: object, why: str):
    foreign = read(interaction(), broken, interaction())
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "interaction 2"
    assert any(word in reason for word in why.split("|"))


def test_a_file_without_interactions_is_refused_as_a_whole():
    with pytest.raises(CassetteError, match="no list of interactions"):
        vcrpy.read(sample("f", b"interactions: 5\n"))


def test_an_empty_cassette_has_no_exchanges():
    assert read().recording.exchanges == ()


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["method", "uri", "headers", "body", "parsed_body", "status", "code", "message", "string", "base64_string"]
)
MESSAGES = st.dictionaries(KEYS, JSON_LIKE | st.dictionaries(KEYS, JSON_LIKE, max_size=3), max_size=6)


@given(st.lists(JSON_LIKE | st.fixed_dictionaries({"request": MESSAGES, "response": MESSAGES}), max_size=3))
def test_any_interactions_are_read_or_named(interactions: list):
    text = yaml.safe_dump({"interactions": interactions, "version": 1}, allow_unicode=True)
    foreign = vcrpy.read(sample("f", text.encode()))
    assert len(foreign.recording.exchanges) + len(foreign.unread) == len(interactions)
