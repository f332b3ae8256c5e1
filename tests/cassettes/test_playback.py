"""Playback: a client sees from a recording what it saw live."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace

import aiohttp
import pytest

from harness.cassettes.file import load, write
from harness.cassettes.playback import Playback, playback_session
from harness.cassettes.redact import Redactor, Secret
from harness.cassettes.tap import open_session
from harness.core.errors import PlaybackMiss
from harness.core.recording import Ending, Recording, Response, Segment, Side

URL = "http://origin.example"


@pytest.fixture
def answered(recorder):
    """A recording of one POST of ``{"a": 1}`` to /x with a body in given pieces; fields of the exchange as given."""

    def make(*pieces: bytes, headers=(("Transfer-Encoding", "chunked"),), gap_ns=1, status=200, **changes) -> Recording:
        draft = recorder.open(Side.CLIENT, "call", method="POST", url=URL + "/x", body=b'{"a": 1}', sent_ns=0)
        draft.head(1, status, "OK", headers)
        for number, piece in enumerate(pieces, 1):
            draft.segment(1 + number * gap_ns, piece)
        draft.end(2 + len(pieces) * gap_ns, Ending.EOF)
        recording = recorder.recording()
        *before, last = recording.exchanges
        return replace(recording, exchanges=(*before, replace(last, **changes)))

    return make


async def read(session: aiohttp.ClientSession, **request) -> list[bytes]:
    async with session.post(URL + "/x", **({"json": {"a": 1}} | request)) as response:
        return [data async for data in response.content.iter_any()]


@pytest.mark.parametrize("speed", [0, 1])
async def test_every_fault_is_seen_again(fault, record, origin, speed):
    recorded = await record(fault)
    playback = Playback(recorded.recording, speed=speed)
    async with playback.session() as session:
        assert await fault.drive(session, origin, recorded.url) == fault.expected
    assert playback.leftovers == ()


async def test_every_fault_is_seen_again_from_a_file(fault, record, origin, tmp_path):
    recorded = await record(fault)
    write(tmp_path / "c.yaml", Redactor([Secret("word", "data: half")]).redact(recorded.recording))
    async with playback_session(load(tmp_path / "c.yaml")) as session:
        outcome = await fault.drive(session, origin, recorded.url)
    assert (outcome.status, outcome.error) == (fault.status, fault.error)
    assert outcome.chunks == [part.replace(b"data: half", b"[REDACTED:word]") for part in fault.chunks]


async def test_speed_one_keeps_the_gaps(answered):
    pieces = [b"one", b"two", b"three"]
    async with playback_session(answered(*pieces, gap_ns=40_000_000), speed=1) as session:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        async with session.post(URL + "/x", json={"a": 1}) as response:
            times = [(data, loop.time() - start_s) async for data in response.content.iter_any()]
    assert [data for data, _ in times] == pieces
    assert all(time_s >= number * 0.04 - 0.001 for number, (_, time_s) in enumerate(times, 1))


async def test_speed_nought_waits_for_nobody_but_the_reader(answered):
    hour_ns = 3_600_000_000_000
    async with playback_session(answered(b"one", b"two", gap_ns=hour_ns)) as session:
        response = await session.post(URL + "/x", json={"a": 1})
        assert await response.content.readany() == b"one"
        assert response.content.total_bytes == 3  # the next piece has not been asked for
        assert await response.content.readany() == b"two"
        assert await response.content.readany() == b""


async def test_200_back_to_back_segments_keep_their_boundaries(answered):
    pieces = [b"%d" % number for number in range(200)]
    async with playback_session(answered(*pieces)) as session:
        assert await read(session) == pieces


async def test_pieces_that_decode_to_nothing_do_not_stop_the_stream(answered):
    packed = gzip.compress(b"hello " * 50)
    pieces = [packed[at : at + 1] for at in range(len(packed))]
    recording = answered(*pieces, headers=(("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")))
    async with playback_session(recording) as session:
        assert b"".join(await read(session)) == b"hello " * 50


async def test_a_slow_reader_of_much_is_served_in_full(answered):
    body = b"x" * 3_000_000
    for speed in (0, 1):
        async with playback_session(answered(body, body), speed=speed) as session:
            assert sum(map(len, await read(session))) == 6_000_000


async def test_connections_are_pooled(answered):
    answered(b"one")
    recording = answered(b"two")
    async with playback_session(recording) as session:
        assert [await read(session), await read(session)] == [[b"one"], [b"two"]]
        (connections,) = session.connector._conns.values()
        assert len(connections) == 1


async def test_concurrent_requests_get_their_own_answers(recorder):
    for number in range(20):
        draft = recorder.open(Side.CLIENT, "call", method="POST", url=URL + "/x", body=b'{"a":%d}' % number)
        draft.head(recorder.now(), 200, "OK", (("Content-Length", "2"),))
        draft.segment(recorder.now(), b"%02d" % number)
        draft.end(recorder.now(), Ending.EOF)
    async with playback_session(recorder.recording()) as session:
        answers = await asyncio.gather(*(read(session, json={"a": number}) for number in reversed(range(20))))
    assert answers == [[b"%02d" % number] for number in reversed(range(20))]


async def test_content_length_follows_the_body(answered):
    recording = answered(b"[REDACTED:x]", headers=(("Content-Length", "5"),))
    async with playback_session(recording) as session:
        assert await read(session) == [b"[REDACTED:x]"]


async def test_bodies_without_known_segments_come_in_one_piece(answered):
    response = Response(200, "OK", (("Content-Length", "6"),), 0, b"whole!", ())
    async with playback_session(answered(response=response)) as session:
        assert await read(session) == [b"whole!"]


async def test_a_segment_of_nothing_is_passed_over(answered):
    response = Response(200, "OK", (), 0, b"ab", (Segment(0, 1), Segment(1, 2), Segment(1, 3), Segment(2, 4)))
    async with playback_session(answered(response=response)) as session:
        assert await read(session) == [b"a", b"b"]


async def test_reading_on_where_the_recorded_caller_left_is_a_miss(answered):
    async with playback_session(answered(b"one", ending=Ending.CLIENT_CLOSE)) as session:
        response = await session.post(URL + "/x", json={"a": 1})
        assert await response.content.readany() == b"one"
        with pytest.raises(PlaybackMiss, match="c1: the recording ends here: its caller left"):
            await response.content.readany()
        response.close()
    async with playback_session(answered(response=None, ending=Ending.CLIENT_CLOSE)) as session:
        await read(session)
        with pytest.raises(PlaybackMiss, match="c2: the recording ends here"):
            await read(session)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ClientConnectorError: refused", aiohttp.ClientConnectorError),
        ("ClientConnectorDNSError: no such host", aiohttp.ClientConnectorDNSError),
        ("ClientConnectorSSLError: bad handshake", aiohttp.ClientConnectorSSLError),
        ("ConnectionTimeoutError: too slow", aiohttp.ConnectionTimeoutError),
        (None, aiohttp.ClientConnectorError),
    ],
)
async def test_connections_fail_as_they_did(answered, error, kind):
    recording = answered(response=None, ending=Ending.CONNECT_ERROR, error=error)
    async with playback_session(recording) as session:
        with pytest.raises(kind) as raised:
            await read(session)
    assert type(raised.value) is kind


async def test_the_clients_own_time_limit_is_kept_at_speed_one(answered):
    async with playback_session(answered(b"one", b"two", gap_ns=10**13), speed=1) as session:
        with pytest.raises(TimeoutError):
            await read(session, timeout=aiohttp.ClientTimeout(total=0.05))


async def test_a_request_that_was_not_recorded_is_a_miss_that_names_the_nearest(answered):
    playback = Playback(answered(b"one"))
    async with playback.session() as session:
        with pytest.raises(PlaybackMiss, match=r"POST /x is not in the recording.*nearest is c1, POST /x; its body"):
            await read(session, json={"a": 2})
        with pytest.raises(PlaybackMiss, match=r"GET /y is not in the recording.*nearest is c1, POST /x\."):
            await session.get(URL + "/y")
        assert [exchange.id for exchange in playback.leftovers] == ["c1"]
        assert await read(session) == [b"one"]
        with pytest.raises(PlaybackMiss, match="was played already"):
            await read(session)
        assert playback.leftovers == ()


async def test_only_the_asked_side_is_played(answered, recorder):
    async with playback_session(answered(b"one"), side=Side.PROVIDER) as session:
        with pytest.raises(PlaybackMiss):
            await read(session)


async def test_a_body_that_comes_in_pieces_is_matched_by_its_address(answered):
    async def pieces():
        yield b"any"

    async with playback_session(answered(b"one")) as session:
        assert await read(session, json=None, data=pieces()) == [b"one"]


async def test_a_closed_session_raises_as_aiohttp_does(answered):
    session = playback_session(answered(b"one", b"two"))
    response = await session.post(URL + "/x", json={"a": 1})
    await session.close()
    with pytest.raises(RuntimeError, match="Connection closed"):
        await response.content.readany()
    response.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.post(URL + "/x", json={"a": 1})


async def test_a_response_that_is_not_released_stays_acquired(answered):
    """What hides a leak from a test is a stub without a pool: here the pool is aiohttp's own."""
    async with playback_session(answered(b"one", b"two")) as session:
        response = await session.post(URL + "/x", json={"a": 1})
        assert len(session.connector._acquired) == 1
        response.close()
        assert not session.connector._acquired


async def test_a_tapped_recording_is_played_to_another_address(origin, recorder):
    async with open_session(recorder) as session:
        await (await session.get(origin.url + "/plain?b=2&a=1")).read()
    async with playback_session(recorder.recording()) as session:
        response = await session.get("http://elsewhere/plain", params={"a": "1", "b": "2"})
        assert await response.json(content_type=None) == {"ok": True}
        assert response.headers.getall("X-Twice") == ["a", "b"]
