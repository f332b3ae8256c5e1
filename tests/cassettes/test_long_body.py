"""Of a long request body the beginning is kept, on the way from the wire to the file and back."""

import hashlib
from dataclasses import replace

import pytest

from harness.cassettes import file
from harness.cassettes.match import Matcher
from harness.cassettes.redact import Redactor, Secret
from harness.cassettes.tap import open_session
from harness.core.errors import PlaybackMiss
from harness.core.recording import LONG_BODY_BYTES, Header, Recording, Side, Source, Whole, shortened

LONG = b'{"input": "' + b"wave " * 40_000 + b'"}'
WHOLE = Whole(len(LONG), hashlib.sha256(LONG).hexdigest())
SECRET = b"key-0123456789abcdef0123456789abcdef"


@pytest.fixture
async def exchange(origin, recorder):
    async with open_session(recorder) as session, session.post(f"{origin.url}/plain", data=LONG) as response:
        await response.read()
    (found,) = recorder.recording().exchanges
    return found


def test_what_is_not_long_is_kept_as_it_is():
    assert shortened(LONG[:LONG_BODY_BYTES]) == (LONG[:LONG_BODY_BYTES], None)


async def test_the_tap_keeps_the_beginning_and_what_the_whole_was(origin, exchange):
    assert exchange.request.body == LONG[:LONG_BODY_BYTES]
    assert exchange.request.whole == WHOLE
    assert origin.requests[0].endswith(LONG)


def test_a_simulator_keeps_the_same(recorder):
    draft = recorder.open(Side.PROVIDER, "chat.completions", method="POST", url="http://x/", body=LONG)
    assert (draft.request.body, draft.request.whole) == (LONG[:LONG_BODY_BYTES], WHOLE)


async def test_it_survives_the_file_and_the_file_is_small(exchange, tmp_path):
    path = tmp_path / "long.yaml"
    file.write(path, Recording(header=Header(source=Source.SIMULATOR), exchanges=(exchange,)))
    assert file.load(path).exchanges == (exchange,)
    assert path.stat().st_size < 2 * LONG_BODY_BYTES


async def test_half_a_secret_at_the_cut_does_not_stay(exchange):
    kept = LONG[: LONG_BODY_BYTES - 10] + SECRET[:10]
    cut = replace(exchange, request=replace(exchange.request, body=kept))
    redactor = Redactor([Secret("provider-key", SECRET.decode())])
    clean = redactor.exchange(cut)
    assert SECRET[:10] not in clean.request.body
    assert clean.request.headers == exchange.request.headers
    assert redactor.exchange(clean) == clean


async def test_playback_tells_long_bodies_apart_by_their_digest(exchange):
    url = exchange.request.url
    matcher = Matcher([exchange])
    with pytest.raises(PlaybackMiss):
        matcher.take("POST", url, LONG + b" ")
    assert matcher.take("POST", url, LONG) is exchange
