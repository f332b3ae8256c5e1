"""WireMock's mappings become exchanges as far as they are exact; a body's file is looked up, and no other file."""

import base64
import gzip
import json
from pathlib import Path

import pytest
import yaml

from harness.cassettes.readers import Foreign, detect, load, sample, wiremock
from harness.cassettes.readers.bodies import Room
from harness.core.errors import CassetteLimit
from harness.core.recording import Exchange, Fidelity

YAML = """---
id: one
request:
  url: /v1/x
  method: POST
  bodyPatterns:
  - equalToJson: '{"model" : "m"}'
    ignoreArrayOrder: false
    ignoreExtraElements: false
response:
  status: 400
  statusMessage: Bad
  body: hello
  headers:
    openai-version: 2020-10-01
    Set-Cookie: [a, b]
---
id: two
request: {urlPath: /v1/y, method: ANY}
response: {base64Body: AAH/}
"""


def stub(request: dict | None = None, **response: object) -> dict:
    return {"request": request or {"url": "/v1/x", "method": "POST"}, "response": {"status": 200, **response}}


def read(document: object) -> Foreign:
    file = sample("some.json", json.dumps(document).encode())
    assert detect(file) is wiremock.FORMAT
    return wiremock.read(file)


def one(request: dict | None = None, **response: object) -> Exchange:
    (exchange,) = read(stub(request, **response)).recording.exchanges
    return exchange


def test_every_document_of_a_yaml_file_is_a_mapping():
    file = sample("some.yaml", YAML.encode())
    assert detect(file) is wiremock.FORMAT
    first, second = wiremock.read(file).recording.exchanges
    assert (first.request.method, first.request.url, first.request.body) == ("POST", "/v1/x", b'{"model" : "m"}')
    assert first.response is not None
    assert (first.response.status, first.response.reason, first.body) == (400, "Bad", b"hello")
    assert first.response.headers == (("openai-version", "2020-10-01"), ("Set-Cookie", "a"), ("Set-Cookie", "b"))
    assert (second.id, second.request.method, second.request.url) == ("p2", "", "/v1/y")
    assert (second.status, second.body) == (200, b"\x00\x01\xff")


def test_a_list_of_mappings_is_read():
    assert len(read({"mappings": [stub(), stub()], "meta": {"total": 2}}).recording.exchanges) == 2


REQUESTS = [
    ({"url": "/a?b=c", "method": "get"}, ("GET", "/a?b=c", (), b"")),
    (
        {"urlPath": "/a", "queryParameters": {"b": {"equalTo": "c d"}, "e": {"matches": ".*"}}},
        ("", "/a?b=c+d", (), b""),
    ),
    ({"urlPathPattern": "/a/.*"}, ("", "", (), b"")),
    ({"urlPattern": ".*", "queryParameters": {"b": {"equalTo": "c"}}}, ("", "", (), b"")),
    ({"url": "/", "headers": {"A": {"equalTo": "b"}, "C": {"contains": "d"}}}, ("", "/", (("A", "b"),), b"")),
    ({"url": "/", "bodyPatterns": [{"contains": "x"}, {"equalTo": "y"}]}, ("", "/", (), b"y")),
    ({"url": "/", "bodyPatterns": [{"equalToJson": {"a": 1}}]}, ("", "/", (), b'{"a":1}')),
    ({"url": "/", "bodyPatterns": [{"equalToJson": "{}", "ignoreExtraElements": True}]}, ("", "/", (), b"")),
    ({"url": "/", "bodyPatterns": [{"binaryEqualTo": "AAE="}]}, ("", "/", (), b"\x00\x01")),
]


@pytest.mark.parametrize(
    ("pattern", "want"),
    REQUESTS,
    ids=["url", "path", "pattern", "url pattern", "headers", "body", "JSON", "more JSON", "bytes"],
)
def test_a_pattern_is_a_request_as_far_as_it_is_exact(pattern: dict, want: tuple):
    request = one(pattern).request
    assert (request.method, request.url, request.headers, request.body) == want


def test_a_parsed_body_is_written_again_and_says_so():
    exchange = one(jsonBody={"a": ["ü"]})
    assert (exchange.body, exchange.fidelity) == (b'{"a":["\\u00fc"]}', Fidelity.NORMALIZED)
    assert one(body="hello").fidelity is Fidelity.BODY


def test_a_coded_body_is_unpacked():
    packed = base64.b64encode(gzip.compress(b"hello")).decode()
    assert one(base64Body=packed, headers={"Content-Encoding": "gzip"}).body == b"hello"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (stub(fault="EMPTY_RESPONSE"), "but a fault"),
        (stub(proxyBaseUrl="https://h"), "but a proxyBaseUrl"),
        (stub(body="{{request.path}}", transformers=["response-template"]), "is a template"),
        (stub(bodyFileName="a.json"), "not at hand"),
        (stub(base64Body="a"), "not base64"),
        (stub(status="200"), "no status code"),
        ({"request": {}, "response": None}, "not a request and its response"),
    ],
)
def test_a_mapping_that_cannot_be_read_is_named_and_the_others_are_read(broken: object, why: str):
    foreign = read({"mappings": [stub(), broken, stub()]})
    assert [exchange.id for exchange in foreign.recording.exchanges] == ["p1", "p3"]
    ((where, reason),) = foreign.unread
    assert where == "mapping 2"
    assert why in reason


def from_file(path: Path, name: object) -> Foreign:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(stub(bodyFileName=name)))
    return wiremock.read(load(path))


@pytest.mark.parametrize("place", ["mappings/a.yaml", "mappings/deep/a.yaml", "a.yaml"])
def test_a_bodys_file_is_found_beside_the_mappings(tmp_path: Path, place: str):
    (tmp_path / "__files" / "deep").mkdir(parents=True)
    (tmp_path / "__files" / "deep" / "b.txt").write_bytes(b"hello")
    (exchange,) = from_file(tmp_path / place, "deep/b.txt").recording.exchanges
    assert (exchange.body, exchange.fidelity) == (b"hello", Fidelity.BODY)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../secret", "is outside of __files"),
        ("link", "is outside of __files"),
        ("absent", "is not under __files"),
        ("folder", "is not under __files"),
        ("a\0b", "cannot be read"),
        (5, "not at hand"),
    ],
)
def test_no_other_file_is_read(tmp_path: Path, name: object, why: str):
    (tmp_path / "__files" / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "__files" / "link").symlink_to(tmp_path / "secret")
    foreign = from_file(tmp_path / "mappings" / "a.yaml", name)
    assert foreign.recording.exchanges == ()
    ((_, reason),) = foreign.unread
    assert why in reason


def test_an_absolute_name_is_no_way_out_either(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"secret")
    ((_, reason),) = from_file(tmp_path / "mappings" / "a.yaml", str(tmp_path / "secret")).unread
    assert "is outside of __files" in reason


def test_a_file_larger_than_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "__files").mkdir()
    (tmp_path / "__files" / "b").write_bytes(b"x" * 2000)
    monkeypatch.setattr("harness.cassettes.readers.bodies.MAX_BYTES", 1000)
    ((_, reason),) = from_file(tmp_path / "a.yaml", "b").unread
    assert "larger than is read" in reason
    with pytest.raises(CassetteLimit):
        Room().take(b"x" * 2000)
