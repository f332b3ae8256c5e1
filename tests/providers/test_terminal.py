"""A stream's end is told by its protocol's own words."""

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


def test_an_event_stream_of_frames_is_looked_at_too():
    assert unfinished("converse-stream", "application/vnd.amazon.eventstream", b"\0\0\0contentBlockDelta")
    assert not unfinished("converse-stream", "application/vnd.amazon.eventstream", b"\0\0\0messageStop")


def test_what_is_no_stream_or_of_no_known_protocol_is_left_alone():
    assert not unfinished("chat.completions", "application/json", b"{}")
    assert not unfinished("embeddings", SSE, b"data: x\n\n")
