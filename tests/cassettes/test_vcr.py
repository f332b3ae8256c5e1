"""Plain vcrpy and pytest-recording with our files."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from dataclasses import replace

import aiohttp
import pytest
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from harness.cassettes.file import load, write
from harness.cassettes.vcr import HarnessPersister
from harness.core.errors import CassetteError, CassetteWrite
from harness.core.recording import Ending, Recording, Request, Side

GET = "http://gateway.example/v1/models"
POST = "http://gateway.example/v1/chat/completions"


@pytest.fixture
async def cassette(fault, record, tmp_path):
    """A cassette of one fault, and of a GET and a POST as a gateway's clients make them."""
    recorded = await record(fault)
    (exchange,) = recorded.recording.exchanges
    path = tmp_path / "cassette.yaml"
    write(path, recorded.recording)
    assert load(path).exchanges == (exchange,)
    return path


@pytest.fixture
def gateway(recorder, tmp_path):
    for method, url, body, answer in (
        ("GET", GET, b"", b'{"data":[]}'),
        ("POST", POST, b'{"a":1}', b"data: [DONE]\n\n"),
    ):
        draft = recorder.open(
            Side.CLIENT, "call", method=method, url=url, headers=[("Host", "gateway.example")], body=body
        )
        draft.head(
            recorder.now(), 200, "OK", (("Content-Type", "text/event-stream"), ("Set-Cookie", "a"), ("Set-Cookie", "b"))
        )
        draft.segment(recorder.now(), answer[:5])
        draft.segment(recorder.now(), answer[5:])
        draft.end(recorder.now(), Ending.EOF)
    recorder.probe("ledger", {"x": [1.5, None, "é"]})
    recorder.mark("go")
    path = tmp_path / "gateway.yaml"
    write(path, recorder.recording())
    return path


def save_again(path) -> None:
    requests, responses = FilesystemPersister.load_cassette(path, yamlserializer)
    FilesystemPersister.save_cassette(path, {"requests": requests, "responses": responses}, yamlserializer)


def unnamed(recording: Recording) -> Recording:
    return replace(recording, name="")


def test_plain_vcrpy_loads_every_cassette_and_saves_it_whole(cassette):
    before = load(cassette)
    save_again(cassette)
    assert not cassette.read_bytes().startswith(b"version")
    assert load(cassette) == before


def test_what_vcrpy_saved_again_is_complete(gateway):
    before = load(gateway)
    save_again(gateway)
    assert load(gateway) == before


def test_binary_bodies_survive_vcrpy(recorder, tmp_path):
    draft = recorder.open(Side.PROVIDER, "invoke", method="POST", url=POST, body=b"\xff\xfe")
    draft.head(1, 200, "OK", (("A", "1"), ("a", "2"), ("B", "3")))
    draft.segment(2, b"\x00\xff\x00")
    draft.end(3, Ending.RESET, "ConnectionResetError: \ud800")
    draft.request = replace(draft.request, headers=(("Z", "1"), ("z", "2"), ("A", "3")))
    path = tmp_path / "binary.yaml"
    write(path, recorder.recording())
    before = load(path)
    save_again(path)
    assert load(path) == before
    assert before.exchanges == recorder.recording().exchanges


async def test_plain_vcrpy_plays_a_get_and_a_post(gateway):
    with vcr.use_cassette(str(gateway), record_mode="none", match_on=["method", "uri", "body"]):
        async with aiohttp.ClientSession() as session:
            async with session.get(GET) as response:
                assert await response.json(content_type=None) == {"data": []}
                assert response.headers.getall("Set-Cookie") == ["a", "b"]
            async with session.post(POST, data=b'{"a":1}') as response:
                assert await response.read() == b"data: [DONE]\n\n"


def test_our_persister_leaves_out_what_is_no_traffic(gateway, tmp_path):
    player = vcr.VCR(record_mode="none")
    player.register_persister(HarnessPersister)
    with player.use_cassette(str(gateway)) as playing:
        assert urllib.request.urlopen(GET).read() == b'{"data":[]}'
        assert not playing.all_played
        urllib.request.urlopen(urllib.request.Request(POST, data=b'{"a":1}')).read()
        assert playing.all_played
        with pytest.raises(CannotOverwriteExistingCassetteException):
            urllib.request.urlopen(GET)


def test_our_persister_saves_over_nothing_of_ours(gateway, tmp_path):
    requests, responses = HarnessPersister.load_cassette(gateway, yamlserializer)
    cassette = {"requests": requests, "responses": responses}
    with pytest.raises(CassetteWrite, match="record_mode='none'"):
        HarnessPersister.save_cassette(gateway, cassette, yamlserializer)
    HarnessPersister.save_cassette(tmp_path / "own.yaml", cassette, yamlserializer)
    assert len(HarnessPersister.load_cassette(tmp_path / "own.yaml", yamlserializer)[0]) == 2


def test_pytest_recording_plays_it(gateway, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import urllib.request, pytest\n"
        f"@pytest.mark.vcr({str(gateway)!r})\n"
        "def test_get():\n"
        f"    assert urllib.request.urlopen({GET!r}).read() == b'{{\"data\":[]}}'\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--record-mode=none", "--block-network"]
    ran = subprocess.run([*command, "test_it.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_another_recorder_added_is_named(gateway):
    requests, responses = FilesystemPersister.load_cassette(gateway, yamlserializer)
    del responses[1]["x_stream"]
    FilesystemPersister.save_cassette(gateway, {"requests": requests, "responses": responses}, yamlserializer)
    with pytest.raises(CassetteError, match=r"interaction 2: GET .* was not recorded by this harness"):
        load(gateway)


def test_an_address_that_cannot_be_parsed_does_not_stop_vcrpy(recorder, tmp_path):
    draft = recorder.open(Side.CLIENT, "odd", method="GET", url="http://[oops/")
    draft.end(1, Ending.CONNECT_ERROR, "InvalidURL")
    path = tmp_path / "odd.yaml"
    write(path, recorder.recording())
    requests, _ = FilesystemPersister.load_cassette(path, yamlserializer)
    assert [request.uri for request in requests][1] == "harness://recording/unparsable"
    assert load(path).exchanges[0].request == Request("GET", "http://[oops/", (), b"", draft.request.sent_ns)
