"""What a provider did, read in the same words from each protocol."""

import base64
import json

import pytest

from harness.contracts.upstream import Answer, Usage, Way
from harness.contracts.upstreams import decode_upstream
from harness.core.recording import Ending, Exchange, Request, Response, Segment, Side
from harness.framing import eventstream

BEDROCK = "http://h/model/amazon.nova-micro-v1%3A0/"
CLAUDE = "http://h/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4:"
GEMINI = "http://h/v1beta1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:"
SAID = [{"role": "user", "content": "Hello"}]
ASKED = {
    "chat.completions": {"model": "gpt", "messages": SAID, "max_tokens": 9},
    "messages": {"model": "claude", "messages": SAID, "system": "Be brief.", "max_tokens": 9},
    "converse": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"maxTokens": 9}},
    "invoke": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"maxTokens": 9}},
    "rawPredict": {"anthropic_version": "vertex-2023-10-16", "messages": SAID, "max_tokens": 9},
    "generateContent": {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "generationConfig": {"maxOutputTokens": 9},
    },
}
URLS = {
    "converse": f"{BEDROCK}converse",
    "converse-stream": f"{BEDROCK}converse-stream",
    "invoke": f"{BEDROCK}invoke",
    "invoke-with-response-stream": f"{BEDROCK}invoke-with-response-stream",
    "rawPredict": f"{CLAUDE}rawPredict",
    "streamRawPredict": f"{CLAUDE}streamRawPredict",
    "generateContent": f"{GEMINI}generateContent",
    "streamGenerateContent": f"{GEMINI}streamGenerateContent?alt=sse",
}
LIKE = {"converse-stream": "converse", "invoke-with-response-stream": "invoke"}
LIKE |= {"streamRawPredict": "rawPredict", "streamGenerateContent": "generateContent"}
JSON, SSE, FRAMES = "application/json", "text/event-stream", "application/vnd.amazon.eventstream"


def exchange(operation, said=b"", status=200, label=JSON, *, ending=Ending.EOF, stream=None, headers=()):
    """A provider's exchange; ``said`` is the body, or what it is made of."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    asked = ASKED[LIKE.get(operation, operation)]
    if stream is not None:
        asked = {**asked, "stream": stream}
    response = None
    if status is not None:
        response = Response(status, "", (("content-type", label), *headers), 20, body, (Segment(len(body), 30),))
    request = Request("POST", URLS.get(operation, "http://h/v1/x"), (), json.dumps(asked).encode(), 10)
    return Exchange(
        id="p1", side=Side.PROVIDER, operation=operation, request=request, response=response, ending=ending, ended_ns=40
    )


def read(*args, **more):
    return decode_upstream(exchange(*args, **more))


def events(*said):
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in said)


def chunks(*said):
    return b"".join(f"data: {json.dumps(one)}\r\n\r\n".encode() for one in said)


def frame(name, said, kind="event"):
    headers = ((f":{kind}-type", name), (":content-type", JSON), (":message-type", kind))
    return eventstream.encode([eventstream.Header(*one) for one in headers], json.dumps(said).encode())


def wrapped(said):
    return frame("chunk", {"bytes": base64.b64encode(json.dumps(said).encode()).decode()})


START = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
WORDS = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}}
STOP = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
END = {"type": "message_stop"}
CANDIDATE = {"content": {"role": "model", "parts": [{"text": "Hi."}]}}
COUNTS = {"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 1}
DELTA = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi."}})
STOPPED = frame("messageStop", {"stopReason": "end_turn"})
METADATA = frame("metadata", {"usage": {"inputTokens": 3, "outputTokens": 5}})
METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 5}}

COMPLETE = {
    "chat.completions": (
        {
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 5},
        },
        JSON,
    ),
    "messages": (
        {
            "content": [{"type": "text", "text": "Hi."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 2, "cache_read_input_tokens": 1, "output_tokens": 5},
        },
        JSON,
    ),
    "converse": (
        {
            "output": {"message": {"content": [{"text": "Hi."}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 5},
        },
        JSON,
    ),
    "converse-stream": (DELTA + STOPPED + METADATA, FRAMES),
    "invoke-with-response-stream": (
        wrapped({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hi."}}})
        + wrapped({"messageStop": {"stopReason": "end_turn"}})
        + wrapped({"metadata": {}, **METRICS}),
        FRAMES,
    ),
    "rawPredict": (
        {
            "content": [{"type": "text", "text": "Hi."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 5},
        },
        JSON,
    ),
    "streamRawPredict": (events(START, BLOCK, WORDS, STOP, END, WORDS), SSE),
    "generateContent": ({"candidates": [{**CANDIDATE, "finishReason": "STOP"}], "usageMetadata": COUNTS}, JSON),
    "streamGenerateContent": (
        chunks(
            {"candidates": [CANDIDATE]},
            {"candidates": [{"finishReason": "STOP"}], "usageMetadata": COUNTS},
            {"candidates": [CANDIDATE]},
        ),
        SSE,
    ),
}


@pytest.mark.parametrize("operation", COMPLETE)
def test_a_whole_answer_reads_alike_in_every_protocol(operation):
    said, label = COMPLETE[operation]
    upstream = read(operation, said, label=label)
    assert (upstream.way, upstream.text, upstream.finish_reasons) == (Way.COMPLETE, "Hi.", ("stop",))
    assert upstream.counted == (3, 5)
    assert (upstream.request.max_tokens, upstream.request.messages[-1]) == (9, ("user", "Hello"))
    assert upstream.streamed is (label != JSON)
    assert bool(upstream.pieces) is upstream.streamed
    for piece in upstream.pieces:
        assert b"Hi." in said[piece.start : piece.end] or operation == "invoke-with-response-stream"


@pytest.mark.parametrize("operation", [*ASKED, *LIKE])
def test_no_answer_is_told_by_how_the_exchange_ended(operation):
    assert read(operation, status=None, ending=Ending.CONNECT_ERROR).way is Way.UNREACHABLE
    silent = read(operation, status=None, ending=Ending.CLIENT_CLOSE)
    assert (silent.way, silent.answer) == (Way.SILENT, Answer())


EMPTY = [
    ("chat.completions", {"choices": []}, JSON),
    ("messages", {"content": [], "stop_reason": "end_turn"}, JSON),
    ("messages", events(START, STOP, END), SSE),
    ("converse", {"output": {"message": {"content": []}}, "stopReason": "end_turn"}, JSON),
    ("converse-stream", frame("messageStart", {"role": "assistant"}) + STOPPED + METADATA, FRAMES),
    ("generateContent", {"usageMetadata": COUNTS}, JSON),
    ("streamGenerateContent", chunks({"usageMetadata": COUNTS}), SSE),
]


@pytest.mark.parametrize(("operation", "said", "label"), EMPTY)
def test_an_answer_without_any_content_is_none(operation, said, label):
    stream = True if label == SSE and operation == "messages" else None
    assert read(operation, said, label=label, stream=stream).way is Way.INVALID


CUT = [
    ("messages", events(START, BLOCK, WORDS), SSE, True),
    ("converse-stream", DELTA, FRAMES, None),
    ("converse-stream", DELTA + STOPPED[:20], FRAMES, None),
    ("streamGenerateContent", chunks({"candidates": [CANDIDATE]}), SSE, None),
]


@pytest.mark.parametrize(("operation", "said", "label", "stream"), CUT)
def test_a_stream_without_its_end_is_incomplete_and_has_no_finish_reason(operation, said, label, stream):
    upstream = read(operation, said, label=label, stream=stream)
    assert (upstream.way, upstream.finish_reasons, upstream.text) == (Way.INCOMPLETE, (), "Hi.")
    left = read(operation, said, label=label, stream=stream, ending=Ending.CLIENT_CLOSE)
    assert left.way is Way.SILENT


BROKEN = [
    ("messages", events(START, BLOCK) + b"event: content_block_delta\ndata: {\n\n", SSE, True),
    ("converse-stream", DELTA[:-1] + bytes((DELTA[-1] ^ 1,)) + STOPPED, FRAMES, None),
    ("streamGenerateContent", b"data: {\r\n\r\n", SSE, None),
    ("messages", events(START, BLOCK, WORDS, STOP, END), "text/html", True),
    ("converse-stream", DELTA + STOPPED, JSON, None),
    ("converse", b"<html>", JSON, None),
]


@pytest.mark.parametrize(("operation", "said", "label", "stream"), BROKEN)
def test_what_cannot_be_read_or_says_that_it_is_something_else_is_invalid(operation, said, label, stream):
    assert read(operation, said, label=label, stream=stream).way is Way.INVALID


def test_one_document_is_no_answer_to_who_asked_for_a_stream():
    upstream = read("messages", COMPLETE["messages"][0], stream=True)
    assert (upstream.way, upstream.text, upstream.usage) == (Way.INVALID, "", None)


IN_BAND = [
    ("messages", events(START, {"type": "error", "error": {"type": "overloaded_error", "message": "!"}}), SSE, 529),
    ("messages", b'data: {"type": "error", "error": {"message": "!"}}\n\n', SSE, None),
    (
        "invoke-with-response-stream",
        wrapped(START) + wrapped({"type": "error", "error": {"type": "overloaded_error", "message": "!"}}),
        FRAMES,
        529,
    ),
    ("converse-stream", DELTA + frame("throttlingException", {"message": "!"}, "exception"), FRAMES, 429),
    ("converse-stream", DELTA + frame("modelStreamErrorException", {"message": "!"}, "exception"), FRAMES, 424),
    ("streamGenerateContent", chunks({"error": {"code": 503, "message": "!", "status": "UNAVAILABLE"}}), SSE, 503),
]


@pytest.mark.parametrize(("operation", "said", "label", "status"), IN_BAND)
def test_a_failure_in_band_has_its_words_and_the_status_that_it_stands_for(operation, said, label, status):
    upstream = read(operation, said, label=label, stream=True if operation == "messages" else None)
    assert (upstream.way, upstream.error.message, upstream.error.status) == (Way.IN_BAND, "!", status)


REFUSED = [
    ("messages", {"type": "error", "error": {"type": "rate_limit_error", "message": "!"}}, (), "rate_limit_error"),
    ("converse", {"message": "!"}, (("x-amzn-errortype", "ThrottlingException:http://a"),), "ThrottlingException"),
    (
        "rawPredict",
        [{"error": {"code": 429, "message": "!", "status": "RESOURCE_EXHAUSTED"}}],
        (),
        "RESOURCE_EXHAUSTED",
    ),
    ("chat.completions", {"error": {"message": "!", "type": "requests"}}, (), "requests"),
]


@pytest.mark.parametrize(("operation", "said", "headers", "name"), REFUSED)
def test_a_refusal_has_its_words_its_name_and_its_status(operation, said, headers, name):
    upstream = read(operation, said, 429, headers=headers)
    assert (upstream.way, upstream.error.message, upstream.error.type) == (Way.STATUS, "!", name)
    assert upstream.error.status == 429


@pytest.mark.parametrize("operation", ["chat.completions", "messages", "converse", "rawPredict", "generateContent"])
def test_a_refusal_by_somebody_else_says_nothing(operation):
    assert read(operation, b"<html>busy</html>", 503, label="text/html").error is None


def test_a_blocked_prompt_is_an_answer():
    upstream = read("generateContent", {"promptFeedback": {"blockReason": "SAFETY"}})
    assert (upstream.way, upstream.text, upstream.finish_reasons) == (Way.COMPLETE, "", ("content_filter",))


@pytest.mark.parametrize(
    ("usage", "delivered", "counted"),
    [
        (Usage(3, 5, None), True, (3, 5)),
        (Usage(0, 0, None), False, (0, 0)),
        (Usage(3, 0, None), True, None),
        (Usage(-3, 5, None), True, None),
        (Usage(3, 10**15, None), True, None),
        (Usage(1, 10**7 - 1, None), True, (1, 10**7 - 1)),
        (Usage(1, 10**7, None), True, None),
        (Usage(True, 5, None), True, None),
        (Usage(3.0, 5, None), True, None),
        (Usage(None, 5, None), True, None),
    ],
)
def test_tokens_that_can_be_believed(usage, delivered, counted):
    assert usage.sane(delivered=delivered) == counted
