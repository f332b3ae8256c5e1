"""A stream's end is told by its protocol's own words."""

import base64

import pytest

from harness.providers.terminal import unfinished

SSE = "text/event-stream; charset=utf-8"
ENDS = [
    ("chat.completions", b"data: [DONE]\n\n"),
    ("chat.completions", b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'),
    ("chat.completions", b'event: error\ndata: {"error":{"message":"x"}}\n\n'),
    ("responses", b'data: {"type":"response.incomplete"}\n\n'),
    ("messages", b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    ("streamRawPredict", b'data: {"type": "error"}\n\n'),
    ("streamGenerateContent", b'data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n'),
]


@pytest.mark.parametrize(("endpoint", "end"), ENDS)
def test_a_stream_without_its_end_is_unfinished(endpoint: str, end: bytes):
    begun = b'data: {"choices":[{"finish_reason":null}]}\n\n'
    assert unfinished(endpoint, SSE, begun)
    assert unfinished(endpoint, None, begun)
    assert not unfinished(endpoint, SSE, begun + end)


LINES = [
    ("chat", b'{"done":true}\n'),
    ("chat", b'data: {"type":"message-end"}\n\n'),
    ("completions", b'{"model":"m","done": true}\n'),
    ("completions", b"data: [DONE]\n\n"),
    ("threads", b"event: done\ndata: [DONE]\n\n"),
    ("audio", b'data: {"type":"transcript.text.done"}\n\n'),
    ("responses.other", b'data: {"type":"response.completed"}\n\n'),
]


@pytest.mark.parametrize(("endpoint", "end"), LINES)
def test_other_streams_have_their_own_ends(endpoint: str, end: bytes):
    for label in (SSE, "application/x-ndjson"):
        assert unfinished(endpoint, label, b'{"done":false}\n')
        assert not unfinished(endpoint, label, b'{"done":false}\n' + end)
    assert not unfinished(endpoint, "application/json", b"{}")


@pytest.mark.parametrize("before", [b'{"a', b'{"ab', b'{"abc'])
def test_bedrocks_last_event_is_told_inside_its_base64(before: bytes):
    last = base64.b64encode(before + b'":1,"amazon-bedrock-invocationMetrics":{"inputTokenCount":1}}')
    label = "application/vnd.amazon.eventstream"
    begun = b'\0\0\0{"bytes":"' + base64.b64encode(before + b'":1}') + b'"}'
    assert unfinished("invoke-with-response-stream", label, begun)
    assert not unfinished("invoke-with-response-stream", label, begun + b'{"bytes":"' + last + b'"}')
    assert not unfinished("invoke-with-response-stream", label, begun + b":exception-type")


def test_an_event_stream_of_frames_is_looked_at_too():
    assert unfinished("converse-stream", "application/vnd.amazon.eventstream", b"\0\0\0contentBlockDelta")
    assert not unfinished("converse-stream", "application/vnd.amazon.eventstream", b"\0\0\0messageStop")


def test_what_is_no_stream_or_of_no_known_protocol_is_left_alone():
    assert not unfinished("chat.completions", "application/json", b"{}")
    assert not unfinished("embeddings", SSE, b"data: x\n\n")
