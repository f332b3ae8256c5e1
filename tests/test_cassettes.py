"""The committed cassettes: anybody's vcrpy can read them, they say where they come from, and they hold no secret."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from harness import contracts
from harness.cassettes import file
from harness.contracts.calls import chat_calls
from harness.contracts.upstream import is_event_stream
from harness.core.names import Answer, System
from harness.core.recording import Response, Segment, Side, Source
from harness.framing import sse
from harness.suite.judge import judge_all
from harness.systems.outcomes import row

FOLDER = Path(__file__).parent.parent / "cassettes"
CASSETTES = sorted(FOLDER.rglob("*.yaml"))
KEYS = re.compile(rb"\b(sk|gsk)[-_][A-Za-z0-9]{16}|\beyJ[A-Za-z0-9_-]{10,}\.|\bkey-[0-9a-f]{40}|AKIA[0-9A-Z]{16}")
ABSOLUTE = re.compile(rb'File \\*"/')
BY_TIME = {"stream.incremental"}
"""Contracts on when something arrived: another cut may honestly change what they say."""
JUDGES = [one for one in contracts.load().values() if one.id not in BY_TIME]


def name(path):
    return str(path.relative_to(FOLDER))


def test_there_are_cassettes_of_every_system_and_of_defects():
    folders = {path.relative_to(FOLDER).parts[:2] for path in CASSETTES}
    assert {("reference", system.value) for system in System} <= folders
    assert any(parts[0] == "failures" for parts in folders)


@pytest.mark.parametrize("path", CASSETTES, ids=name)
def test_plain_vcrpy_reads_it_and_it_says_what_it_is(path):
    requests, responses = FilesystemPersister.load_cassette(str(path), yamlserializer)
    recording = file.load(path)
    pseudo = 1 + len(recording.probes) + len(recording.marks)
    assert len(requests) == len(responses) == len(recording.exchanges) + pseudo
    header = recording.header
    assert header.source is Source.SIMULATOR
    assert header.recorder
    assert header.recorded_at
    assert header.void is None
    assert name(path).endswith(f"{header.asked['case']}.yaml")
    assert (header.defect is not None) == name(path).startswith("failures/")
    assert not KEYS.search(path.read_bytes())
    assert not ABSOLUTE.search(path.read_bytes()), "a stack that tells where the recording machine keeps its code"


STRUCK = {"chat-plain": Answer.PLAIN, "chat-stream": Answer.STREAM}
CALLED = [path for path in sorted((FOLDER / "reference" / "gateway").rglob("*.yaml")) if path.parent.name in STRUCK]


@pytest.mark.parametrize("path", CALLED, ids=name)
def test_a_client_of_the_gateway_reads_what_the_table_of_faults_says(path):
    recording = file.load(path)
    (call,) = chat_calls(recording)
    wanted = row(System.GATEWAY, STRUCK[recording.header.scenario], recording.header.fault)
    told = call.stream.errors if call.stream else ()
    assert (call.client.status, bool(told)) == (wanted.status, wanted.begun)
    codes = [event.data["error"]["code"] for event in told] or [call.code]
    assert codes == [wanted.outcome and wanted.outcome.code]


STREAMS = [
    path
    for path in CASSETTES
    if path.parts[-3:-1] == ("gateway", "chat-stream")
    and path.name.startswith(("openai.", "groq."))  # what is behind the gateway changes nothing for its clients
    and "one-byte" not in path.name
]


def told(recording):
    """The verdicts and the sentences; when something arrived may honestly change with the pieces."""
    return [(one.contract, one.verdict, [v.sentence for v in one.violations]) for one in judge_all(recording, JUDGES)]


def rechunked(recording, cuts):
    """The recording as it would be had the clients' streams come in other pieces, each when its last byte came."""

    def other(exchange):
        response = exchange.response
        if response is None or exchange.side is not Side.CLIENT or not is_event_stream(exchange):
            return exchange
        ends = sorted({min(max(1, cut), len(response.body)) for cut in cuts(response.body)} | {len(response.body)})
        segments = tuple(Segment(end, response.at(end - 1)) for end in ends if end)
        return replace(exchange, response=replace(response, segments=segments))

    return replace(recording, exchanges=tuple(other(exchange) for exchange in recording.exchanges))


def inside_characters(body):
    return [at for at in range(1, len(body)) if body[at] & 0xC0 == 0x80]


def between_cr_and_lf(body):
    return [at + 1 for at in range(len(body) - 1) if body[at : at + 2] in (b"\r\n", b"\n\n")]


CUTS = {
    "one-byte": lambda body: range(1, len(body)),
    "all-at-once": lambda _body: (),
    "inside-characters": inside_characters,
    "between-cr-and-lf": between_cr_and_lf,
}


@pytest.mark.parametrize("path", STREAMS, ids=name)
@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS)
def test_other_pieces_never_change_a_verdict(path, cuts):
    recording = file.load(path)
    assert told(rechunked(recording, cuts)) == told(recording)


@settings(max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("path", STREAMS[::4], ids=name)
def test_pieces_cut_at_random_never_change_a_verdict_nor_an_event(path, data):
    recording = file.load(path)
    cuts = data.draw(st.lists(st.integers(1, 4000), max_size=40))
    assert told(rechunked(recording, lambda _body: cuts)) == told(recording)
    for exchange in recording.side(Side.CLIENT):
        if isinstance(exchange.response, Response) and is_event_stream(exchange):
            assert fed(exchange.body, cuts) == sse.decode(exchange.body).events


def fed(body, cuts):
    """The events of a body that a decoder is given in these pieces."""
    decoder, events, begin = sse.Decoder(), [], 0
    for end in [*sorted({cut for cut in cuts if cut < len(body)}), len(body)]:
        events += decoder.feed(body[begin:end])
        begin = end
    decoder.finish()
    return tuple(events)
