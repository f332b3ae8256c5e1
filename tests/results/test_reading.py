"""What a provider's answer says, and when, whichever protocol it speaks."""

import pytest

from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.core.recording import Ending, Exchange, Request, Response, Segment, Side
from harness.providers.call import Circumstances
from harness.providers.reply import Reply
from harness.results.reading import Asked, read_answer, read_asked
from harness.servers.simulator import RECEIVERS

SAID = [{"role": "user", "content": "Hello"}]
CONVERSED = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
CLAUDE = {"messages": SAID, "max_tokens": 9}
ON_VERTEX = {**CLAUDE, "anthropic_version": "vertex-2023-10-16"}
PUBLISHERS = "/v1/projects/p/locations/l/publishers"
CALLS = [
    (Provider.OPENAI, "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": SAID}, "gpt-4o-mini"),
    (Provider.ANTHROPIC, "/v1/messages", {"model": "claude-haiku-4-5", **CLAUDE}, "claude-haiku-4-5"),
    (Provider.BEDROCK, "/model/amazon.nova-micro-v1%3A0/converse", CONVERSED, "amazon.nova-micro-v1:0"),
    (Provider.VERTEX, f"{PUBLISHERS}/anthropic/models/claude-sonnet-4:rawPredict", ON_VERTEX, "claude-sonnet-4"),
    (Provider.VERTEX, f"{PUBLISHERS}/google/models/gemini-2.5-flash:generateContent", CONTENTS, "gemini-2.5-flash"),
]
STREAMED = {
    "/converse": "/converse-stream",
    ":rawPredict": ":streamRawPredict",
    ":generateContent": ":streamGenerateContent?alt=sse",
}
HEADERS = (("authorization", "Bearer ya29.token-token"), ("anthropic-version", "2023-06-01"), ("x-api-key", "sk-1"))
SIGNED = (("authorization", "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/bedrock/aws4_request"),)


def exchange(provider, path, body, *, stream):
    """A healthy answer to a call, each write of the simulator's at a time of its own: 10 ns, 11 ns, ..."""
    if stream:
        for plain, streamed in STREAMED.items():
            path = path.replace(plain, streamed)
        if path.startswith(("/v1/chat", "/v1/messages")):
            body = {**body, "stream": True}
    sent = repr(body).replace("'", '"').replace("True", "true").encode()
    call = RECEIVERS[provider]("POST", path, SIGNED if provider is Provider.BEDROCK else HEADERS, sent)
    reply = Reply(("Good ", "morning", "."), 3, 5, "m")
    plan = call.answer(Circumstances(fault=FAULTS["none"], reply=reply))
    data, segments = b"", []
    for step in plan.steps:
        data += step.data
        segments.append(Segment(len(data), 10 + len(segments)))
    response = Response(plan.status, "", plan.headers, 9, data, tuple(segments))
    request = Request("POST", f"http://h{path}", (), sent, 1)
    known = {"side": Side.PROVIDER, "operation": call.operation, "ending": Ending.EOF, "ended_ns": 99}
    return Exchange(id="p1", request=request, response=response, **known)


@pytest.mark.parametrize(("provider", "path", "body", "model"), CALLS)
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_reads_alike_in_every_protocol(provider, path, body, model, stream):
    one = exchange(provider, path, body, stream=stream)
    assert one.status == 200
    assert read_asked(one) == Asked(model, stream)
    answer = read_answer(one)
    assert (answer.streamed, answer.chars) == (stream, len("Good morning."))
    if provider is not Provider.OPENAI or not stream:  # which gives no usage where none was asked for
        assert answer.tokens == 5
    content = [chunk for chunk in answer.chunks if chunk.chars]
    assert [chunk.chars for chunk in content] == ([5, 7, 1] if stream else [])
    reads = [chunk.read for chunk in content]
    assert reads == list(range(reads[0], reads[0] + 3)) if stream else not reads
    assert all(chunk.at_ns == 10 + chunk.read for chunk in answer.chunks)


@pytest.mark.parametrize(("provider", "path", "body", "_model"), CALLS)
def test_what_is_no_answer_says_nothing(provider, path, body, _model):
    one = exchange(provider, path, body, stream=False)
    broken = Response(502, "", (("content-type", "text/html"),), 9, b"<html>", ())
    refused = Exchange(
        id="p1",
        side=one.side,
        operation=one.operation,
        request=one.request,
        response=broken,
        ending=one.ending,
        ended_ns=99,
    )
    answer = read_answer(refused)
    assert (answer.streamed, answer.chars, answer.tokens, answer.chunks) == (False, 0, None, ())


def chatted(body, kind="text/event-stream", asked=b'{"message": "x", "modelId": "amazon.nova-lite-v1:0"}'):
    request = Request("POST", "http://h/chat/sessions/s/stream", (), asked, 1)
    response = Response(200, "", (("content-type", kind),), 9, body, (Segment(len(body), 10),))
    known = {"side": Side.CLIENT, "operation": "chat.stream", "ending": Ending.EOF, "ended_ns": 99}
    return Exchange(id="c1", request=request, response=response, **known)


DELTAS = b'event: delta\ndata: {"text": "Good "}\n\nevent: delta\ndata: {"text": "day"}\n\n'


def test_a_chat_is_a_stream_of_deltas():
    used = b'event: done\ndata: {"usage": {"inputTokens": 3, "outputTokens": 5}, "creditsUsed": 1}\n\n'
    one = chatted(DELTAS + used)
    assert read_asked(one) == Asked("amazon.nova-lite-v1:0", stream=True)
    answer = read_answer(one)
    assert (answer.streamed, answer.chars, answer.tokens) == (True, 8, 5)
    assert [(chunk.at_ns, chunk.chars) for chunk in answer.chunks] == [(10, 5), (10, 3)]


@pytest.mark.parametrize(
    "end", [b"", b"event: done\ndata: {}\n\n", b"event: done\ndata: [\n\n", b'event: delta\ndata: {"text": 1}\n\n']
)
def test_a_chat_without_usage_has_no_tokens(end):
    answer = read_answer(chatted(DELTAS + end))
    assert (answer.chars, answer.tokens) == (8, None)


def test_a_chat_that_is_refused_streams_nothing():
    assert read_answer(chatted(b'{"message": "no"}', "application/json")).streamed is False
    assert read_asked(chatted(b"", asked=b"no object")) == Asked(None, stream=True)
