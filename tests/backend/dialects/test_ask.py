"""A request for a chat completion is taken apart once, and put together in the words of each protocol."""

import pytest

from harness.backend.dialects.ask import Image, ToolCall, ToolResult, Turn, Words, read_ask
from harness.backend.dialects.claude import message_request
from harness.backend.dialects.converse import converse_request
from harness.backend.dialects.gemini import generation
from harness.backend.failure import Kind, UpstreamError

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Of a city.", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
WITH_TOOLS = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "And kind."}]},
        {"role": "user", "content": "How is Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "Fog."}]},
    ],
    "tools": [TOOL],
    "tool_choice": "required",
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["END"],
    "seed": 7,
}


def said(content="Hello", **more):
    return {"model": "m", "messages": [{"role": "user", "content": content}], **more}


def test_the_parts_of_a_request():
    ask = read_ask(WITH_TOOLS)
    assert (ask.model, ask.system, ask.limit_tokens, ask.stop) == ("m", "Be brief.\n\nAnd kind.", 1_000, ("END",))
    calls = (ToolCall("call_1", "weather", {"city": "Oslo"}), ToolCall("call_2", "weather", {"city": "Oslo"}))
    results = (ToolResult("call_1", "Rain."), ToolResult("call_2", "Fog."))
    assert ask.turns == (Turn("user", (Words("How is Oslo?"),)), Turn("assistant", calls), Turn("user", results))
    assert (ask.choice, [tool.name for tool in ask.tools], ask.parallel) == ("any", ["weather"], True)


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({}, 1_000),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 9, "max_tokens": 7}, 9),
        ({"max_tokens": None}, 1_000),
    ],
)
def test_there_is_always_an_output_limit(more, limit):
    assert message_request(said(**more))["max_tokens"] == limit
    assert converse_request(said(**more))["inferenceConfig"]["maxTokens"] == limit
    assert generation(said(**more)).config.max_output_tokens == limit


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ("auto", ("auto", "")),
        ("none", ("none", "")),
        ("required", ("any", "")),
        ({"type": "function", "function": {"name": "weather"}}, ("named", "weather")),
        (None, (None, "")),
        ("whatever", (None, "")),
    ],
)
def test_which_tool_is_to_be_called(wanted, read):
    ask = read_ask(said(tool_choice=wanted))
    assert (ask.choice, ask.named) == read


def test_an_image_is_in_the_request_or_at_an_address():
    parts = [{"type": "text", "text": "What is it?"}]
    parts += [{"type": "image_url", "image_url": {"url": url}} for url in ("data:image/png;base64,QUJD", "https://a/b")]
    (turn,) = read_ask(said(parts)).turns
    assert turn.parts == (Words("What is it?"), Image("image/png", "QUJD"), Image("", "", "https://a/b"))


def test_claude_is_asked_in_its_own_words():
    asked = message_request({**WITH_TOOLS, "user": "u-1", "parallel_tool_calls": False})
    assert asked["system"] == "Be brief.\n\nAnd kind."
    assert asked["messages"][0] == {"role": "user", "content": "How is Oslo?"}
    use = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Oslo"}}
    assert asked["messages"][1]["content"][0] == use
    assert [block["tool_use_id"] for block in asked["messages"][2]["content"]] == ["call_1", "call_2"]
    assert asked["tools"] == [{"name": "weather", "description": "Of a city.", "input_schema": SCHEMA}]
    assert asked["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    rest = {name: asked[name] for name in ("temperature", "top_p", "stop_sequences", "metadata")}
    assert rest == {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"], "metadata": {"user_id": "u-1"}}
    assert "seed" not in asked
    assert message_request(said()) == {
        "model": "m",
        "max_tokens": 1_000,
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_converse_is_asked_in_its_own_words():
    asked = converse_request(WITH_TOOLS)
    assert asked["system"] == [{"text": "Be brief.\n\nAnd kind."}]
    assert asked["messages"][0] == {"role": "user", "content": [{"text": "How is Oslo?"}]}
    assert asked["messages"][1]["content"][1]["toolUse"]["toolUseId"] == "call_2"
    assert asked["messages"][2]["content"][0] == {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Rain."}]}}
    assert asked["toolConfig"]["toolChoice"] == {"any": {}}
    assert asked["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"] == {"json": SCHEMA}
    config = {"maxTokens": 1_000, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]}
    assert asked["inferenceConfig"] == config
    assert "toolConfig" not in converse_request({**WITH_TOOLS, "tool_choice": "none"})


def test_gemini_is_asked_in_its_own_words():
    asked = generation({**WITH_TOOLS, "tool_choice": {"type": "function", "function": {"name": "weather"}}})
    assert [content.role for content in asked.contents] == ["user", "model", "user"]
    assert asked.contents[1].parts[0].function_call.args == {"city": "Oslo"}
    results = [part.function_response for part in asked.contents[2].parts]
    assert [(one.name, one.response) for one in results] == [
        ("weather", {"result": "Rain."}),
        ("weather", {"result": "Fog."}),
    ]
    assert asked.config.system_instruction == "Be brief.\n\nAnd kind."
    assert asked.config.tool_config.function_calling_config.allowed_function_names == ["weather"]
    assert asked.config.stop_sequences == ["END"]


@pytest.mark.parametrize(
    "body",
    [
        said([{"type": "input_audio", "input_audio": {}}]),
        said([{"type": "image_url", "image_url": "https://a/b"}]),
        said(tools=[{"type": "custom"}]),
        {"model": "m", "messages": [{"role": "system", "content": "Be brief."}]},
        said(tools=True),
        said(tools="weather"),
        said(stop=1.5),
        said(stop=[None]),
        {"model": "m", "messages": [{"role": "assistant", "content": "Hm", "tool_calls": 7}]},
        {"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]}]},
        {
            "model": "m",
            "messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{"}}]}],
        },
    ],
)
@pytest.mark.parametrize("put", [message_request, converse_request, generation])
def test_what_has_no_place_in_another_protocol_is_refused_and_named(put, body):
    with pytest.raises(UpstreamError) as refused:
        put(body)
    assert refused.value.kind is Kind.REFUSED
    assert refused.value.words.startswith("This model does not take ")


def test_an_image_at_an_address_is_for_claude_alone():
    body = said([{"type": "image_url", "image_url": {"url": "https://a/b"}}])
    assert message_request(body)["messages"][0]["content"][0]["source"] == {"type": "url", "url": "https://a/b"}
    for put in (converse_request, generation):
        with pytest.raises(UpstreamError):
            put(body)


def test_a_parameter_of_the_wrong_kind_is_the_callers_fault():
    with pytest.raises(UpstreamError) as refused:
        generation(said(temperature="hot"))
    assert refused.value.kind is Kind.REFUSED
