from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.cassettes.file import CassetteWarning, load
from harness.cassettes.journal import BROKEN_OFF, Journal, part_path, recover
from harness.cassettes.recorder import Recorder
from harness.cassettes.redact import Redactor, Secret
from harness.core.errors import CassetteError, CassetteWrite
from harness.core.recording import Ending, Header, Side, Source

KEY = "provider-key-0123456789"
REDACTOR = Redactor([Secret("provider-key", KEY)])
HEADER = Header(source=Source.SIMULATOR, scenario="journal", facts={"key": KEY})


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "j.yaml", HEADER, REDACTOR)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "j.yaml"


def begin(recorder: Recorder, *pieces: bytes):
    draft = recorder.open(Side.CLIENT, "chat", method="POST", url="http://h/", body=KEY.encode(), tie="t.1")
    draft.head(recorder.now(), 200, "OK", (("X-Key", KEY),))
    for piece in pieces:
        draft.segment(recorder.now(), piece)
    return draft


def test_what_is_complete_is_in_the_cassette_at_once_and_redacted(journal, path):
    recorder = Recorder(HEADER, journal=journal)
    draft = begin(recorder, b"data: provider-key-", b"0123456789\n\n")
    draft.end(recorder.now(), Ending.EOF)
    recorder.close(draft)
    recorder.probe("log", [KEY])
    recorder.mark("go", KEY)
    found = load(path)
    expected = REDACTOR.redact(recorder.recording())
    assert (found.exchanges, found.probes, found.marks) == (expected.exchanges, expected.probes, expected.marks)
    assert part_path(path).read_bytes() == b""
    journal.close()
    assert not part_path(path).exists()
    assert recover(path) == found
    assert KEY.encode() not in path.read_bytes()


def test_a_stream_in_flight_is_on_the_disk_but_for_what_is_held_back(journal, path):
    recorder = Recorder(HEADER, journal=journal)
    draft = begin(recorder, b"data: \xff one\n\n", b"data: two\n\ndata: provider-k")
    found = recover(path)
    (exchange,) = found.exchanges
    assert exchange.body == b"data: \xff one\n\ndata: two\n\ndata: "
    assert exchange.ending is Ending.CLIENT_CLOSE
    assert exchange.request.body == b"[REDACTED:provider-key]"
    assert exchange.response.headers == (("X-Key", "[REDACTED:provider-key]"),)
    assert [segment.end for segment in exchange.response.segments] == [13]
    assert exchange.ended_ns == exchange.response.segments[-1].at_ns
    assert found.header.void == BROKEN_OFF
    draft.segment(recorder.now(), b"ey-0123456789\n")
    assert recover(path).exchanges[0].body == b"data: \xff one\n\ndata: two\n\ndata: [REDACTED:provider-key]\n"
    assert KEY.encode() not in part_path(path).read_bytes()
    journal.close()


def test_complete_exchanges_win_over_what_was_in_flight(journal, path):
    recorder = Recorder(HEADER, journal=journal)
    done, open_still = begin(recorder, b"done\n"), begin(recorder, b"open\n")
    done.end(recorder.now(), Ending.EOF)
    recorder.close(done)
    unanswered = recorder.open(Side.PROVIDER, "call", method="GET", url="http://p/")
    found = recover(path)
    assert [(one.id, one.ending, one.body) for one in found.exchanges] == [
        ("c1", Ending.EOF, b"done\n"),
        ("c2", Ending.CLIENT_CLOSE, b"open\n"),
        ("p1", Ending.CLIENT_CLOSE, b""),
    ]
    assert found.exchanges[2].response is None
    assert {open_still.id, unanswered.id} == {"c2", "p1"}
    journal.close()
    assert part_path(path).exists()  # two exchanges never ended: their traces stay


def test_torn_and_damaged_parts(journal, path):
    begin(Recorder(HEADER, journal=journal), b"one\n", b"two\n")
    journal.close()
    part = part_path(path)
    whole = part.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last + 1, len(whole) - 1):
        part.write_bytes(whole[:cut])
        with pytest.warns(CassetteWarning, match=r"j\.yaml\.part: the last line is torn"):
            assert recover(path).exchanges[0].body == b"one\n"
    part.write_bytes(whole[:last] + b"{}\n" + whole[last:])
    with pytest.raises(CassetteError, match="line 4: not a part of a journal"):
        recover(path)


def test_a_failure_to_write_disturbs_nothing_and_is_told_at_the_end(path, journal):
    recorder = Recorder(HEADER, journal=journal)
    recorder.mark("unwritable", object())
    draft = begin(recorder, b"goes on\n")
    draft.end(recorder.now(), Ending.EOF)
    recorder.close(draft)
    assert recorder.recording().exchanges[0].body == b"goes on\n"
    with pytest.raises(CassetteWrite, match="JSON cannot hold"):
        journal.close()


def test_a_full_disk_ends_the_journal_only(path):
    journal = Journal(path, HEADER, REDACTOR)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._part)
    os.close(full)
    recorder = Recorder(HEADER, journal=journal)
    begin(recorder, b"goes on\n")
    with pytest.raises(CassetteWrite, match=r"\.part: cannot be written: No space left"):
        journal.close()


KILLED = """
import asyncio, sys
from harness.cassettes.journal import Journal
from harness.cassettes.recorder import Recorder
from harness.cassettes.redact import Redactor, Secret
from harness.cassettes.tap import open_session
from harness.core.recording import Header, Source

async def main(path, url):
    header = Header(source=Source.SIMULATOR, scenario="killed")
    journal = Journal(path, header, Redactor([Secret("path", "/stream")]))
    async with open_session(Recorder(header, journal=journal)) as session:
        await (await session.get(url + "/plain")).read()
        async with session.post(url + "/stream") as response:
            async for chunk in response.content.iter_any():
                print(len(chunk), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_process_leaves_what_it_had_seen(origin, path):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(path), origin.url, stdout=subprocess.PIPE
    )
    for _ in range(4):
        assert await child.stdout.readline() == b"16\n"
        origin.step.release()
    assert await child.stdout.readline() == b"16\n"
    child.send_signal(signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
    found = recover(path)
    plain, stream = found.exchanges
    assert (plain.ending, plain.body) == (Ending.EOF, b'{"ok":true}')
    assert stream.body == b"".join(b'data: {"n": %d}\n\n' % number for number in range(5))
    assert len(stream.response.segments) == 5
    assert stream.request.url == origin.url + "[REDACTED:path]"
    assert (found.header.scenario, found.header.void) == ("killed", BROKEN_OFF)
    assert recover(path) == replace(found)
