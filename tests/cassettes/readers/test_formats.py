"""Formats are told by content, and any bytes are told apart or refused in the declared way."""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.readers import FORMATS, detect, load, sample
from harness.core.errors import CassetteError

VCRPY = b"""interactions:
- request: {method: GET, uri: 'https://h/', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ''}}
version: 1
"""
GO_VCR_1 = b"""---
version: 1
interactions:
- request: {body: x, form: {}, headers: {}, url: 'https://h/', method: POST}
  response: {body: y, headers: {}, status: 200 OK, code: 200, duration: 1s}
"""
GO_VCR_2 = b"""---
version: 2
interactions:
  - id: 0
    request: {proto: HTTP/1.1, proto_major: 1, transfer_encoding: [], url: 'https://h/', method: GET}
    response: {proto: HTTP/2.0, body: y, code: 200}
"""
SAMPLES = {
    "vcrpy": [
        VCRPY,
        b"version: 1\ninteractions:\n- " + json.dumps({"request": {"uri": "u"}, "response": {}}).encode() + b"\n",
        b'{"version": 1, "interactions": [{"request": {"method": "GET", "uri": "u"}, "response": {}}]}',
        b"version: 1\ninteractions: []\n",
        b"# a licence\n\n" + VCRPY,
        b"\xef\xbb\xbf" + VCRPY,
    ],
    "go-vcr": [GO_VCR_1, GO_VCR_2],
    "ruby-vcr": [
        b"---\nhttp_interactions:\n- request:\n    method: post\n    uri: https://h/\nrecorded_with: VCR 6.3.1\n"
    ],
    "har": [b'{"log": {"version": "1.2", "entries": []}}'],
    "nock": [b'[{"scope": "https://h:443", "method": "POST", "path": "/", "body": "", "status": 200, "response": {}}]'],
    "wiremock": [
        b"---\nid: x\nrequest:\n  url: /a\nresponse:\n  status: 200\n---\nid: y\nrequest: {}\nresponse: {}\n",
        b'{"request": {"url": "/a"}, "response": {"status": 200}}',
        b'{"mappings": []}',
    ],
    "httprr": [
        b"httprr trace v1\n",
        b"httprr trace v1\n26 19\nGET http://h/ HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
    "body-only": [
        b'event: response.created\ndata: {"type":"response.created"}\n\n',
        b'data: {"a":1}\n\n',
        b'{"error": {"message": "x"}}',
        b'{"type":"response.created"}\n{"type":"response.failed"}\n',
        b': COMMENT\n\n: COMMENT\n\nevent: x\nid: 1\ndata: {"a":1}\n\n',
        b'[{"candidates": []}, {"usageMetadata": {}}]',
        b'{"model":"m","done":false}\n{"model":"m","done":true}\n',
        b'{"output": {"message": {}}, "stopReason": "end_turn"}',
        b'{"type": "message", "role": "assistant", "content": []}',
    ],
}
NONE = [
    b"",
    b"MIT License\n\nCopyright (c) 2024\n",
    b"# Title\n\nSome text: with a colon\n",
    b'{"name": "x"}',
    b"[]",
    b"[1, 2]",
    b"\xff\xfe\x00",
    b"interactions: 5\n",
    b"interactions: [\n",
    b"database: x\nid: 5\n",
    b"data: of no event\n",
    b'{"content": "words"}',
    b'{"output": [1]}',
    b'{"mappings": [{"name": "x"}]}',
    b'[{"candidates": []}, 5]',
    b'{"log": {"entries": 5}}',
]
CASES = [(name, data) for name, files in SAMPLES.items() for data in files]


@pytest.mark.parametrize(("name", "data"), CASES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(CASES)])
def test_a_format_is_told_by_its_content_packed_or_not(name: str, data: bytes):
    for form in (data, gzip.compress(data)):
        found = detect(sample("LICENSE.md", form))
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize("data", NONE)
def test_what_is_no_recording_is_none(data: bytes):
    assert detect(sample("cassette.yaml", data)) is None


def test_every_format_has_a_sample_here():
    assert {known.name for known in FORMATS} == set(SAMPLES)


@pytest.mark.parametrize(
    "data",
    [b"\x1f\x8b", b"\x1f\x8b\x08\x00nonsense", gzip.compress(b"x" * 100)[:-10]],
    ids=["two-bytes", "nonsense", "cut"],
)
def test_broken_gzip_is_a_declared_error(data: bytes):
    with pytest.raises(CassetteError, match="compressed data"):
        sample("f.gz", data)


def test_what_unpacks_to_more_than_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("harness.cassettes.readers.bodies.MAX_BYTES", 1000)
    with pytest.raises(CassetteError, match="unpacks to more"):
        sample("f.gz", gzip.compress(b"x" * 2000))
    (tmp_path / "f").write_bytes(VCRPY)
    monkeypatch.setattr("harness.cassettes.readers.formats.MAX_BYTES", 10)
    with pytest.raises(CassetteError, match="larger than"):
        load(tmp_path / "f")


def test_a_file_that_cannot_be_read_is_a_declared_error(tmp_path: Path):
    with pytest.raises(CassetteError, match="cannot be read"):
        load(tmp_path / "absent")
    with pytest.raises(CassetteError, match="cannot be read"):
        load(tmp_path)


STARTS = st.sampled_from([b"", *(data for _, data in CASES), b"\x1f\x8b\x08\x00", b"interactions:\n- ", b'{"log":'])


@given(STARTS, st.binary(max_size=60), st.integers(0, 200))
def test_any_bytes_are_read_or_refused_in_the_declared_way(start: bytes, noise: bytes, cut: int):
    with suppress(CassetteError):
        file = sample("f", start[:cut] + noise + start[cut:])
        found = detect(file)
        assert found is None or found in FORMATS
        if found is not None:
            assert found.read(file).format == found.name
