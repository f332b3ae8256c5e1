"""What an invoke stream's chunks hold is judged by the form of the model's family, and by none where none is known."""

import base64
import json
import re
from dataclasses import replace

import pytest

from harness.contracts import judge, load
from harness.contracts.provider_bedrock_chunks import FORMS
from harness.core.recording import Ending, Exchange, Request, Response, Side, Source
from harness.core.verdict import Verdict
from harness.framing import eventstream
from harness.providers.bedrock import METRICS
from harness.providers.bedrock_encode import EVENT_STREAM, frame

CONTRACTS = {id_: one for id_, one in load().items() if one.family in ("bedrock", "anthropic")}
STOP, WORDS, EMPTY = "bedrock.invoke-stream-stop", "bedrock.invoke-stream-words", "bedrock.invoke-stream-not-empty"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
COUNTED = {METRICS: {"inputTokenCount": 5, "outputTokenCount": 7}}


def cohere(event: str, **said: object) -> dict:
    return {"is_finished": event == "stream-end", "event_type": event, **said}


STREAMS = {
    "amazon.titan-text-lite-v1": [
        {"outputText": "Sun", "index": 0, "completionReason": None, "inputTextTokenCount": 5},
        {"outputText": "day", "index": 0, "completionReason": "FINISH", "totalOutputTextTokenCount": 7},
    ],
    "us.meta.llama3-3-70b-instruct-v1:0": [
        {"generation": "Sunday", "prompt_token_count": 5, "generation_token_count": 1, "stop_reason": None},
        {"generation": "", "prompt_token_count": None, "generation_token_count": 7, "stop_reason": "stop"},
    ],
    "mistral.mistral-small-2402-v1:0": [
        {"outputs": [{"text": "Sun", "stop_reason": None}]},
        {"outputs": [{"text": "day", "stop_reason": "length"}]},
    ],
    "cohere.command-r-v1:0": [
        cohere("text-generation", text="Sunday"),
        cohere("stream-end", response={"text": "Sunday", "finish_reason": "COMPLETE"}, finish_reason="COMPLETE"),
    ],
    "cohere.command-light-text-v14": [
        {"id": "1", "generations": [{"id": "2", "text": "Sunday", "finish_reason": "MAX_TOKENS"}], "prompt": "hi"},
    ],
    "cohere.command-text-v14": [
        {"text": "Sunday", "is_finished": False},
        {"is_finished": True, "finish_reason": "complete", "id": "1"},
    ],
    "amazon.nova-micro-v1:0": [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Sunday"}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": {"start": {"toolUse": {"name": "f", "toolUseId": "t"}}, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": {"inputTokens": 5, "outputTokens": 7}}},
    ],
}
"""Model -> the chunks of a sound stream, as recorded or as the guide has them; the last gets the metrics."""
REASONS = '"(FINISH|stop|length|COMPLETE|complete|MAX_TOKENS|tool_use)"'
BARE = [model for model in STREAMS if "nova" not in model]


def chunk(data: object) -> bytes:
    return frame("chunk", {"bytes": base64.b64encode(json.dumps(data).encode()).decode()})


def streamed(model: str, *chunks: dict, asked: dict | None = None, metrics: dict = COUNTED) -> Exchange:
    """An invoke stream of these chunks, the metrics in the last."""
    frames = [chunk(one | (metrics if number == len(chunks) else {})) for number, one in enumerate(chunks, 1)]
    return Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation="invoke-with-response-stream",
        provider="bedrock",
        request=Request(
            "POST",
            f"http://localhost/model/{model}/invoke-with-response-stream",
            body=json.dumps({"prompt": "hi"} if asked is None else asked).encode(),
        ),
        response=Response(200, headers=(("content-type", EVENT_STREAM),), body=b"".join(frames)),
        ending=Ending.EOF,
        ended_ns=0,
    )


@pytest.mark.parametrize("model", STREAMS)
def test_a_sound_stream_of_each_family_is_judged_and_violates_nothing(model: str, recording, violated, verdict):
    made = recording(streamed(model, *STREAMS[model]))
    assert violated(made) == set()
    assert verdict(STOP, made) is Verdict.PASS


def test_every_form_has_a_sound_stream():
    shown = {id(form) for part, form in FORMS.items() if any(part in model for model in STREAMS)}
    assert {id(form) for form in FORMS.values()} == shown


@pytest.mark.parametrize("model", STREAMS)
def test_a_stream_without_its_last_chunk_or_with_the_first_again_after_it_is_failed(model: str, recording, violated):
    chunks = STREAMS[model]
    lost = violated(recording(streamed(model, *chunks[:-1], metrics={})))
    assert (STOP in lost) is ("nova" not in model)
    assert "bedrock.invocation-metrics" in lost or len(chunks) == 1
    assert STOP in violated(recording(streamed(model, *chunks, chunks[0])))


@pytest.mark.parametrize("model", STREAMS)
def test_reasons_are_those_of_the_family(model: str, recording, violated):
    told = json.loads(re.sub(REASONS, '"?"', json.dumps(STREAMS[model])))
    assert violated(recording(streamed(model, *told))) == {STOP}


@pytest.mark.parametrize("model", BARE)
def test_words_that_are_counted_and_lost_are_missed(model: str, recording, violated, verdict):
    empty = json.loads(json.dumps(STREAMS[model]).replace("Sunday", "").replace("Sun", "").replace("day", ""))
    for chunks in (empty, [{**empty[-1]}]):
        found = recording(streamed(model, *chunks))
        assert violated(found) == {EMPTY}
        assert verdict(EMPTY, found) is Verdict.WARN
    for made in (0, 1, None, "7"):
        one = streamed(model, *empty, metrics={METRICS: {"inputTokenCount": 5, "outputTokenCount": made}})
        assert violated(recording(one)) == set()


@pytest.mark.parametrize("model", ["amazon.titan-text-lite-v1", "mistral.mixtral-8x7b-instruct-v0:1"])
def test_a_chunk_of_another_form_has_no_words(model: str, recording, violated):
    sound = STREAMS[model.replace("mixtral-8x7b-instruct-v0:1", "mistral-small-2402-v1:0")]
    made = recording(streamed(model, sound[0], {"text": "Sunday"}, sound[1]))
    assert violated(made) == {WORDS}


def test_bedrocks_own_fields_may_come_after_the_end(recording, violated):
    model = "amazon.titan-text-lite-v1"
    own = {"amazon-bedrock-trace": {"guardrail": {}}, "amazon-bedrock-guardrailAction": "NONE"}
    assert violated(recording(streamed(model, *STREAMS[model], own))) == set()


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("ai21.jamba-1-5-mini-v1:0", None),
        ("amazon.titan-embed-text-v2:0", None),
        ("amazon.nova-sonic-v1:0", None),
        ("mistral.mistral-large-2407-v1:0", None),
        ("mistral.mistral-small-2402-v1:0", {"messages": []}),
        ("cohere.command-text-v14", {"prompt": "hi", "num_generations": 2}),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fabc", None),
    ],
)
def test_what_is_of_no_known_form_is_not_judged_by_one(model: str, asked: dict | None, recording, verdict):
    made = recording(streamed(model, {"choices": []}, asked=asked))
    mine = [id_ for id_ in CONTRACTS if id_.startswith("bedrock.invoke-")]
    assert {verdict(id_, made) for id_ in mine} == {Verdict.NOT_APPLICABLE}
    assert verdict("bedrock.invocation-metrics", made) is Verdict.PASS


@pytest.mark.parametrize("model", STREAMS)
def test_a_strangers_stream_that_breaks_off_is_not_failed(model: str, recording, violated):
    begun = streamed(model, *STREAMS[model][:1], metrics={})
    if "finish_reason" not in json.dumps(STREAMS[model][0]):
        assert STOP in violated(recording(begun))
        assert violated(recording(begun, source=Source.THIRD_PARTY)) == set()
        assert violated(recording(replace(begun, ending=Ending.CLIENT_CLOSE))) == set()


def test_nonsense_is_judged_without_an_accident(recording, violated):
    for model in (*STREAMS, CLAUDE):
        for odd in ([], 5, None, {}, {"outputs": 5}, {"outputs": []}, {"messageStop": 5}, {"delta": []}, {METRICS: []}):
            one = streamed(model, {"outputText": "x"})
            assert one.response is not None
            body = b"".join((chunk(odd), frame("chunk", {"bytes": 5}), frame("chunk", {}), one.body))
            violated(recording(replace(one, response=replace(one.response, body=body))))


# --- Claude's, which are Anthropic's events --------------------------------------------------------------------------

MESSAGE = {
    "id": "msg_bdrk_01",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "usage": {"input_tokens": 5, "output_tokens": 1},
}
START = {"type": "message_start", "message": MESSAGE}
BLOCK = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Sunday"}},
    {"type": "content_block_stop", "index": 0},
]
END = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]
STREAM_CONTRACTS = [
    "anthropic.block-indexes",
    "anthropic.delta-types",
    "anthropic.event-names",
    "anthropic.event-order",
    "anthropic.id-form",
    "anthropic.message-start",
    "anthropic.message-stop-last",
    "anthropic.stop-reason",
    "anthropic.stream-stop-reason",
    "anthropic.usage",
]


def test_claudes_chunks_are_judged_by_anthropics_contracts_on_streams(recording, violated, verdict):
    made = recording(streamed(CLAUDE, START, {"type": "ping"}, *BLOCK, *END, asked={"messages": [], "stream": True}))
    assert violated(made) == set()
    judged = [id_ for id_, one in CONTRACTS.items() if one.family == "anthropic" and verdict(id_, made) is Verdict.PASS]
    assert judged == STREAM_CONTRACTS


@pytest.mark.parametrize("id_", STREAM_CONTRACTS)
def test_each_of_them_is_proved_there_too(id_: str):
    assert [one for one in CONTRACTS[id_].breakers if one.startswith("bedrock-claude-")]


def test_an_older_claude_that_is_asked_by_a_prompt_streams_no_events_of_anthropics(recording, verdict):
    older = recording(streamed(CLAUDE, {"completion": "Sunday", "stop_reason": "stop_sequence"}))
    assert verdict("anthropic.event-names", older) is Verdict.NOT_APPLICABLE
    newer = recording(streamed(CLAUDE, {"completion": "Sunday"}, asked={"messages": []}))
    assert verdict("anthropic.event-names", newer) is Verdict.FAIL


@pytest.mark.parametrize("failure", ["frame", "event", "headers"])
def test_a_stream_of_claudes_that_fails_needs_no_end(failure: str, recording, violated):
    one = streamed(CLAUDE, START, *BLOCK[:2], asked={"messages": []}, metrics={})
    unmodelled = ((":error-code", "InternalFailure"), (":error-message", "no"), (":message-type", "error"))
    said = {
        "frame": frame("throttlingException", {"message": "Wait."}, kind="exception"),
        "event": chunk({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        "headers": eventstream.encode([eventstream.Header(*header) for header in unmodelled]),
    }
    assert one.response is not None
    made = replace(one, response=replace(one.response, body=one.body + said[failure]))
    assert not {id_ for id_ in violated(recording(made)) if id_.startswith("anthropic.")}
    assert {"anthropic.message-stop-last", "anthropic.stream-stop-reason"} <= violated(recording(one))


def test_a_chunk_of_claudes_that_cannot_be_read_is_told_by_both(recording, violated):
    one = streamed(CLAUDE, START, *BLOCK, *END, asked={"messages": []})
    assert one.response is not None
    broken = chunk(START) + frame("chunk", {"bytes": "{not base64}"})
    made = replace(one, response=replace(one.response, body=one.body.replace(chunk(START), broken)))
    assert violated(recording(made)) == {"anthropic.event-names", "bedrock.payload-parses"}


def test_a_violation_points_at_the_frame(recording):
    made = recording(streamed(CLAUDE, *BLOCK, *END, asked={"messages": []}))
    (violation,) = judge(CONTRACTS["anthropic.event-order"], made).violations
    (pointer,) = violation.evidence
    assert made.exchanges[0].body[pointer.start : pointer.end] == chunk(BLOCK[0])
