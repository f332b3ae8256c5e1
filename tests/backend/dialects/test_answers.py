"""What other protocols say comes out in OpenAI's form, and what they did not say is not in it."""

import json

import pytest
from google.genai import types

from harness.backend.dialects import claude, converse, gemini
from harness.backend.failure import Kind, UpstreamError

CALL = {"name": "weather", "arguments": '{"city": "Oslo"}'}


def joined(chunks):
    """The words, the tool calls' names and arguments, the finish reasons and the usages of chunks."""
    words, calls, reasons, usages = "", {}, [], []
    for chunk in chunks:
        usages += [chunk["usage"]] if "usage" in chunk else []
        for choice in chunk["choices"]:
            words += choice["delta"].get("content") or ""
            reasons += [choice["finish_reason"]] if choice["finish_reason"] else []
            for call in choice["delta"].get("tool_calls", ()):
                held = calls.setdefault(call["index"], {"name": None, "arguments": ""})
                held["name"] = call["function"].get("name") or held["name"]
                held["arguments"] += call["function"]["arguments"]
    return words, list(calls.values()), reasons, usages


def all_of(made, events):
    return [chunk for event in events for chunk in made.of(event)]


def claude_message(**more):
    return {
        "id": "msg_1",
        "model": "claude",
        "content": [{"type": "text", "text": "Rain"}, {"type": "thinking", "thinking": "?"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 4},
        **more,
    }


def test_a_whole_message_of_claudes():
    use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
    answer = claude.completion(
        claude_message(content=[{"type": "text", "text": "I ask."}, use], stop_reason="tool_use")
    )
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("I ask.", "tool_calls")
    assert choice["message"]["tool_calls"] == [{"id": "toolu_1", "type": "function", "function": CALL}]
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 5}


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, None),
        ({"input_tokens": -3, "output_tokens": float("inf")}, {"prompt_tokens": -3, "completion_tokens": float("inf")}),
        ({"output_tokens": 5}, {"prompt_tokens": None, "completion_tokens": 5}),
    ],
)
def test_tokens_are_told_as_they_were_said(usage, told):
    assert claude.completion(claude_message(usage=usage)).get("usage") == told


@pytest.mark.parametrize(
    ("reason", "told"),
    [("max_tokens", "length"), ("refusal", "content_filter"), ("something_new", "something_new"), (None, None)],
)
def test_a_reason_to_stop_is_translated_and_never_made_up(reason, told):
    assert claude.completion(claude_message(stop_reason=reason))["choices"][0]["finish_reason"] == told
    assert converse.finish_reason(reason) == (told if reason != "refusal" else "refusal")


def test_a_message_without_content_has_no_choice():
    assert claude.completion(claude_message(content=[]))["choices"] == []
    for content in (None, "Rain", ["Rain"], [{"type": "text"}]):
        with pytest.raises(UpstreamError) as invalid:
            claude.completion(claude_message(content=content))
        assert invalid.value.kind is Kind.INVALID


def test_a_stream_of_claudes_with_words_and_a_tool():
    events = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I ask."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "weather"},
        },
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"city":'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ' "Oslo"}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
        {"type": "brand_new_event"},
    ]
    made = claude.Chunks()
    chunks = all_of(made, events)
    assert joined(chunks) == ("I ask.", [CALL], ["tool_calls"], [{"prompt_tokens": 3, "completion_tokens": 5}])
    assert {(chunk["id"], chunk["model"]) for chunk in chunks} == {("msg_1", "claude")}
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert not made.ended
    assert made.of({"type": "message_stop"}) == []
    assert made.ended


def test_a_stream_of_claudes_without_content_is_no_answer():
    with pytest.raises(UpstreamError, match="no content"):
        claude.Chunks().of({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start"},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}},
    ],
)
def test_an_event_that_lacks_what_it_must_have_is_no_event(event):
    with pytest.raises(UpstreamError) as invalid:
        claude.Chunks().of(event)
    assert invalid.value.kind is Kind.INVALID


def test_a_whole_answer_of_converse():
    use = {"toolUse": {"toolUseId": "t", "name": "weather", "input": {"city": "Oslo"}}}
    said = {"ResponseMetadata": {"RequestId": "r"}, "output": {"message": {"content": [{"text": "I ask."}, use]}}}
    said |= {"stopReason": "tool_use", "usage": {"inputTokens": 3, "outputTokens": 5}}
    answer = converse.completion(said, "nova")
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("I ask.", "tool_calls")
    assert choice["message"]["tool_calls"][0]["function"] == CALL
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 5}
    with pytest.raises(UpstreamError):
        converse.completion({"ResponseMetadata": {}, "stopReason": "end_turn"}, "nova")


def test_a_stream_of_converse_with_words_and_a_tool():
    start = {"toolUse": {"toolUseId": "t", "name": "weather"}}
    events = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "I ask."}}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": {"contentBlockIndex": 1, "start": start}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"city":'}}}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ' "Oslo"}'}}}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"text": "Too late."}}},
        {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 5}}},
    ]
    made = converse.Chunks("r", "nova")
    assert joined(all_of(made, events)) == (
        "I ask.",
        [CALL],
        ["tool_calls"],
        [{"prompt_tokens": 3, "completion_tokens": 5}],
    )
    assert made.ended


def test_an_event_of_converse_that_could_not_be_read_is_no_event():
    with pytest.raises(UpstreamError) as invalid:
        converse.Chunks("r", "nova").of({"contentBlockDelta": {}})
    assert invalid.value.kind is Kind.INVALID


def generated(**fields):
    return types.GenerateContentResponse.model_validate(fields)


def candidate(*parts, **more):
    return {"content": {"role": "model", "parts": list(parts)}, **more}


def test_a_whole_answer_of_geminis():
    call = {"function_call": {"name": "weather", "args": {"city": "Oslo"}}}
    thought = {"text": "hm", "thought": True}
    answer = gemini.completion(
        generated(
            candidates=[candidate(thought, {"text": "I ask."}, call, finish_reason="STOP")],
            usage_metadata={"prompt_token_count": 3, "candidates_token_count": 5, "thoughts_token_count": 2},
        ),
        "gemini",
    )
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("I ask.", "tool_calls")
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 7}


def test_a_blocked_prompt_is_an_answer_and_no_candidates_are_none():
    blocked = gemini.completion(generated(prompt_feedback={"block_reason": "SAFETY"}), "gemini")
    assert [choice["finish_reason"] for choice in blocked["choices"]] == ["content_filter"]
    assert gemini.completion(generated(usage_metadata={"prompt_token_count": 3}), "gemini")["choices"] == []


def test_a_stream_of_geminis():
    usage = {"prompt_token_count": 3, "candidates_token_count": 5}
    made = gemini.Chunks("gemini")
    events = [
        generated(candidates=[candidate({"text": "Ra"})], usage_metadata={"traffic_type": "ON_DEMAND"}),
        generated(candidates=[candidate({"text": "in"})]),
        generated(candidates=[candidate(finish_reason="MAX_TOKENS")], usage_metadata=usage),
        generated(candidates=[candidate({"text": "Too late."})]),
    ]
    told = [{"prompt_tokens": 3, "completion_tokens": 5}]
    assert joined(all_of(made, events)) == ("Rain", [], ["length"], told)
    assert joined(gemini.Chunks("g").of(generated(prompt_feedback={"block_reason": "SAFETY"})))[2] == ["content_filter"]
