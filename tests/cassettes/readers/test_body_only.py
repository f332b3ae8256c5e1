"""A bare body is the answer to a request that nobody wrote down."""

import pytest

from harness.cassettes.readers import body_only, detect, sample
from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity

STREAM = b'event: response.created\ndata: {"type":"response.created"}\n\n'
EVENTS = b'{"type":"response.created","a":1}\n\n{"type":"error"}\n'
CHUNKS = b'{"id":"c","object":"chat.completion.chunk"}\r\n{"id":"c","object":"chat.completion.chunk"}\r\n'
LINES = b'{"model":"m","done":false}\n{"model":"m","done":true}\n'


def one(data: bytes) -> Exchange:
    file = sample("some.txt", data)
    assert detect(file) is body_only.FORMAT
    (exchange,) = body_only.read(file).recording.exchanges
    return exchange


CASES = [
    (STREAM, STREAM, 200, Fidelity.BODY),
    (b'{"choices": []}', b'{"choices": []}', 200, Fidelity.BODY),
    (b'{"error": {"message": "x"}}', b'{"error": {"message": "x"}}', 0, Fidelity.BODY),
    (LINES, LINES, 200, Fidelity.BODY),
    (
        EVENTS,
        b'data: {"type":"response.created","a":1}\n\ndata: {"type":"error"}\n\n',
        200,
        Fidelity.NORMALIZED,
    ),
    (CHUNKS, b'data: {"id":"c","object":"chat.completion.chunk"}\n\n' * 2, 200, Fidelity.NORMALIZED),
]


@pytest.mark.parametrize(
    ("data", "body", "status", "fidelity"),
    CASES,
    ids=["event stream", "document", "error, of any status", "answer in lines", "events in lines", "chunks in lines"],
)
def test_a_body_becomes_the_answer_of_one_exchange(data: bytes, body: bytes, status: int, fidelity: Fidelity):
    exchange = one(data)
    assert (exchange.request.method, exchange.request.url, exchange.request.body) == ("", "", b"")
    assert (exchange.status, exchange.body, exchange.fidelity) == (status, body, fidelity)


def test_what_is_no_answer_is_refused():
    for data in (b"words", b'{"name": 1}', b"[]", b'{"a":1}\n{"b":2}\n', b""):
        with pytest.raises(CassetteError, match="neither an event stream nor an answer"):
            body_only.read(sample("f", data))
