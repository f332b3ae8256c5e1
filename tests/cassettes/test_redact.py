from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.redact import MARKER, Redactor, Secret
from harness.core.errors import UsageError
from harness.core.recording import (
    Ending,
    Exchange,
    Header,
    Mark,
    Probe,
    Recording,
    Request,
    Response,
    Segment,
    Side,
    Source,
)

KEY = "sk-test-0123456789abcdefghij"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLWJ5dGVz"
ODD = 'pa"ss\\wo rd/é\n\U0001f600'
SECRETS = (Secret("provider-key", KEY), Secret("user-token", TOKEN), Secret("password", ODD))
REDACTOR = Redactor(SECRETS)

# Bodies made of what matters: secrets, parts of them, markers, and what stands between.
PARTS = st.sampled_from(
    [
        *(secret.value.encode() for secret in SECRETS),
        json.dumps(ODD).encode(),
        json.dumps(json.dumps(ODD)).encode(),
        KEY[:9].encode(),
        KEY[9:].encode(),
        TOKEN[:40].encode(),
        ODD[:5].encode(),
        b"gsk_0123456789abcdefXYZ",
        b"AKIAABCDEFGHIJKLMNOP",
        b"eyJhbGciOi.eyJzdWIiOi.",
        b"AIza" + b"x" * 35,
        b"ya29.a0AfH6SMBxyz0123456789",
        b"ek_68e4d2a1b7c98190a5f3e1d2",
        b"Bearer abcdef0123456789ghij",
        b"Bearer ",
        b"[REDACTED:provider-key]",
        b"[REDACTED:",
        b"A",
        b"-",
        b'"',
        b" ",
        b"\n\ndata: ",
        b"\xff\x00",
        b"\\",
    ]
)
BODIES = st.lists(PARTS, max_size=12).map(b"".join)


@st.composite
def split_bodies(draw):
    body = draw(BODIES)
    ends = sorted(draw(st.sets(st.integers(0, len(body)), max_size=8)) | {len(body)})
    return body, tuple(Segment(end, 10 * number) for number, end in enumerate(ends))


def exchange(answer: bytes, segments: tuple[Segment, ...] = (), **request) -> Exchange:
    return Exchange(
        id="c1",
        side=Side.CLIENT,
        operation="chat",
        request=Request("POST", request.pop("url", "http://h/"), **request),
        response=Response(200, "OK", (("Content-Length", str(len(answer))),), 0, answer, segments),
        ending=Ending.EOF,
        ended_ns=1,
    )


@given(split_bodies())
def test_offsets_move_with_the_bytes(split):
    body, segments = split
    redacted = REDACTOR.exchange(exchange(body, segments)).response
    assert redacted is not None
    ends = [segment.end for segment in redacted.segments]
    assert ends == sorted(ends)
    assert ends[-1] == len(redacted.body) == int(redacted.header("content-length"))
    assert [segment.at_ns for segment in redacted.segments] == [segment.at_ns for segment in segments]
    # Every segment's end stands where the text before it ends, but for a secret that it is inside of.
    for before, after in zip(segments, redacted.segments, strict=True):
        whole = REDACTOR.data(body[: before.end])
        assert redacted.body[: after.end] == whole or redacted.body[after.end :].startswith(b"[REDACTED:")


@given(split_bodies())
def test_the_streaming_redactor_equals_the_whole_one(split):
    body, segments = split
    stream, start, data, released = REDACTOR.stream(), 0, b"", []
    for segment in segments:
        part = stream.feed(segment.at_ns, body[start : segment.end])
        start = segment.end
        data += part.data
        released += part.segments
    last = stream.finish()
    whole = REDACTOR.exchange(exchange(body, segments)).response
    assert data + last.data == whole.body
    assert (*released, *last.segments) == whole.segments


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=20))
def test_any_stream_equals_the_whole(body, sizes):
    stream, data = REDACTOR.stream(), b""
    for size in sizes:
        piece, body_left = body[:size], body[size:]
        data += stream.feed(0, piece).data
        body = body_left
    rest = stream.feed(0, body).data + stream.finish().data
    assert REDACTOR.data(data + rest) == data + rest


def test_a_long_body_without_breaks_is_released_and_equal():
    body = (b"x" * 9_000 + KEY.encode()) * 4 + b"eyJ" + b"a" * 1_000 + b"." + b"b" * 7_000 + b"." + b"c" * 500
    stream, data = REDACTOR.stream(), b""
    held = 0
    for start in range(0, len(body), 700):
        data += stream.feed(0, body[start : start + 700]).data
        held = max(held, stream.held)
    assert data + stream.finish().data == REDACTOR.data(body)
    assert held < 16_384
    assert data


def test_an_event_stream_is_held_back_by_a_word_at_most():
    stream = Redactor(SECRETS[:2]).stream()
    event = b'data: {"choices":[{"delta":{"content":"Hello there"}}]}\n\n'
    for _ in range(10):
        assert stream.feed(0, event).data == event
        assert stream.held == 0
    assert stream.feed(0, b"data: sk-te").data == b"data: "


@given(BODIES)
def test_redacting_twice_changes_nothing_more(body):
    once = REDACTOR.data(body)
    assert REDACTOR.data(once) == once
    assert Redactor().data(once) == once
    for secret in SECRETS:
        assert secret.value.encode() not in once


SPELLINGS = {
    "as it is": ODD,
    "JSON": json.dumps(ODD)[1:-1],
    "JSON, not ASCII": json.dumps(ODD, ensure_ascii=False)[1:-1],
    "JSON in JSON": json.dumps(json.dumps(ODD))[3:-3],
    "slashes escaped": json.dumps(ODD)[1:-1].replace("/", "\\/"),
    "an address": quote(ODD, safe=""),
    "a form": quote_plus(ODD),
    "capital escapes": re.sub(r"\\u(\w{4})", lambda found: "\\u" + found[1].upper(), json.dumps(ODD)[1:-1]),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_found_in_every_spelling(spelling):
    assert REDACTOR.text(f"<{spelling}>") == "<[REDACTED:password]>"


SHAPES = {
    "sk-proj-abcdefghijklmnop0123": "[REDACTED:pattern:openai-key]",
    "gsk_abcdefghijklmnop0123": "[REDACTED:pattern:groq-key]",
    "AKIAABCDEFGHIJKLMNOP": "[REDACTED:pattern:aws-key]",
    "AIza" + "Ab1_-" * 7: "[REDACTED:pattern:google-key]",
    "ya29.a0AfH6SMBxyz0123456789": "[REDACTED:pattern:google-token]",
    "Bearer ya29.a0AfH6SMBxyz0123456789": "Bearer [REDACTED:pattern:google-token]",
    "ya29.short": "ya29.short",
    "ek_68e4d2a1b7c98190a5f3e1d2": "[REDACTED:pattern:chatkit-secret]",
    "week_68e4d2a1b7c98190a5f3e1d2": "week_68e4d2a1b7c98190a5f3e1d2",
    "Bearer abcdefgh01234567": "Bearer [REDACTED:pattern:bearer]",
    TOKEN.replace("c2ln", "xxxx"): "[REDACTED:pattern:jwt]",
    "Bearer authentication-is-needed": "Bearer authentication-is-needed",
    "a task-oriented-assistant-for-all": "a task-oriented-assistant-for-all",
    "sk-short": "sk-short",
    "eyJhbGciOiJIUzI1NiJ9": "eyJhbGciOiJIUzI1NiJ9",
}


@pytest.mark.parametrize(("text", "expected"), SHAPES.items(), ids=[text[:12] for text in SHAPES])
def test_shapes_are_known_without_being_told(text, expected):
    assert Redactor().text(f'{{"a":"{text}"}}') == f'{{"a":"{expected}"}}'


def test_the_kind_of_a_known_secret_wins_over_its_shape():
    assert REDACTOR.text(f"Bearer {TOKEN}") == "Bearer [REDACTED:user-token]"
    assert (
        REDACTOR.text(f"Incorrect API key provided: {KEY}.") == "Incorrect API key provided: [REDACTED:provider-key]."
    )


def test_a_shape_right_after_a_secret_is_found():
    assert REDACTOR.text(f"{KEY}gsk_0123456789abcdefXYZ") == "[REDACTED:provider-key][REDACTED:pattern:groq-key]"


def test_the_longer_of_two_secrets_wins():
    redactor = Redactor([Secret("short", "abcdef"), Secret("long", "abcdefghi")])
    assert redactor.text("abcdefghi abcdefgh") == "[REDACTED:long] [REDACTED:short]gh"


def test_a_marker_cannot_be_used_to_hide_a_secret():
    redactor = Redactor([Secret("password", "hunter-two")])
    assert redactor.text("[REDACTED:hunter-two]") == "[REDACTED:password]"
    assert redactor.text("[REDACTED:user-token]") == "[REDACTED:user-token]"


def test_headers_that_are_secrets_go_as_a_whole():
    given_headers = (
        ("Authorization", f"Bearer {KEY}"),
        ("authorization", "Basic dXNlcjpwYXNz"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAABCDEFGHIJKLMNOP/20260101/x, Signature=ab12"),
        ("x-api-key", "whatever"),
        ("Cookie", "a=1; b=2"),
        ("Set-Cookie", "session=1"),
        ("X-Request-Id", "req_1"),
    )
    clean = REDACTOR.headers(given_headers)
    assert clean == (
        ("Authorization", "Bearer [REDACTED:provider-key]"),
        ("authorization", "Basic [REDACTED:pattern:authorization]"),
        ("Authorization", "AWS4-HMAC-SHA256 [REDACTED:pattern:aws-key]"),
        ("x-api-key", "[REDACTED:pattern:x-api-key]"),
        ("Cookie", "[REDACTED:pattern:cookie]"),
        ("Set-Cookie", "[REDACTED:pattern:set-cookie]"),
        ("X-Request-Id", "req_1"),
    )
    assert REDACTOR.headers(clean) == clean


def test_addresses_stay_addresses():
    assert REDACTOR.url(f"http://h/x?key={KEY}&a=1") == "http://h/x?key=[REDACTED:provider-key]&a=1"
    assert REDACTOR.url(f"http://user:{KEY}@h:80/x") == "http://redacted@h:80/x"
    assert REDACTOR.url(REDACTOR.url(f"http://user:{KEY}@h/x")) == "http://redacted@h/x"
    assert REDACTOR.url("http://h/@x") == "http://h/@x"


def test_a_whole_recording_has_no_secret_left_anywhere():
    one = exchange(
        f'{{"echo":"{KEY}"}}'.encode(),
        url=f"http://h/?key={KEY}",
        headers=(("X-Key", KEY), ("Content-Length", str(len(TOKEN)))),
        body=TOKEN.encode(),
    )
    recording = Recording(
        header=Header(source=Source.SIMULATOR, facts={"k": [KEY, 1]}, asked={KEY: TOKEN}, void=f"no {KEY}"),
        exchanges=(one, replace(one, response=None, error=f"cannot reach {KEY}", operation=KEY)),
        probes=(Probe("log", 1, [{"line": f"key {json.dumps(KEY)}", KEY: None}]),),
        marks=(Mark(f"m {KEY}", 2, (TOKEN, 1.5)),),
    )
    clean = REDACTOR.redact(recording)
    assert KEY not in repr(clean)
    assert TOKEN not in repr(clean)
    assert REDACTOR.redact(clean) == clean
    assert clean.header.asked == {"[REDACTED:provider-key]": "[REDACTED:user-token]"}
    assert clean.exchanges[0].request.header("content-length") == str(len("[REDACTED:user-token]"))
    assert clean.exchanges[1].error == "cannot reach [REDACTED:provider-key]"
    assert recording.exchanges[0] is one  # the given one is as it was


def test_what_holds_no_secret_is_as_it_was():
    one = exchange(b'{"text":"\xff nothing here"}', (Segment(5, 1), Segment(27, 2)), headers=(("A", "\udcff"),))
    assert REDACTOR.exchange(one) == one


def test_markers_are_what_judges_look_for():
    assert all(MARKER.fullmatch(REDACTOR.data(secret.value.encode())) for secret in SECRETS)


@pytest.mark.parametrize(("kind", "value"), [("Key", "abcdefgh"), ("", "abcdefgh"), ("key", ""), ("key", "abcde")])
def test_secrets_that_cannot_be_used_are_refused(kind, value):
    with pytest.raises(UsageError):
        Secret(kind, value)
