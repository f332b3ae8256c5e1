"""Requests and answers between OpenAI's form and that of Gemini's ``generateContent``. Pure: nothing is sent here.

Source: the Vertex AI API reference (generateContent, streamGenerateContent), in the types of Google's client library.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.genai import types

from harness.backend.failure import Kind, UpstreamError

from . import Json, answer
from .answer import ChunkMaker, called, usage_of
from .ask import Ask, Image, Part, Tool, ToolCall, Turn, Words, read_ask, unfit

FINISH_REASONS: Mapping[str, str] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "content_filter"),
}
"""Why the model stopped, in OpenAI's words; a reason that is not here is passed on as it is."""

REFUSED_PROMPT = "content_filter"
"""The finish reason where the prompt itself was blocked: there is no candidate then."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What Gemini is asked."""

    model: str
    contents: list[types.Content]
    config: types.GenerateContentConfig


def generation(body: Mapping[str, Any]) -> Generation:
    """What a request for a chat completion comes to. Raises UpstreamError."""
    ask = read_ask(body)
    names = {part.id: part.name for turn in ask.turns for part in turn.parts if isinstance(part, ToolCall)}
    config: Json = {
        "max_output_tokens": ask.limit_tokens,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "stop_sequences": list(ask.stop) or None,
        "system_instruction": ask.system or None,
        **_tools(ask),
    }
    contents = [_content(turn, names) for turn in ask.turns]
    try:
        return Generation(
            ask.model,
            [types.Content.model_validate(content) for content in contents],
            types.GenerateContentConfig.model_validate(config),
        )
    except ValueError as wrong:
        words = "A parameter has a value that this model does not take."
        raise UpstreamError(Kind.REFUSED, "the request is none of this provider's", words=words) from wrong


def _content(turn: Turn, names: Mapping[str, str]) -> Json:
    role = "model" if turn.role == "assistant" else "user"
    return {"role": role, "parts": [_part(part, names) for part in turn.parts]}


def _part(part: Part, names: Mapping[str, str]) -> Json:
    match part:
        case Words(text):
            return {"text": text}
        case Image(url=url) if url:
            raise unfit("images by their address")
        case Image(media_type, data):
            return {"inline_data": {"mime_type": media_type, "data": _bytes(data)}}
        case ToolCall(id, name, arguments):
            return {"function_call": {"id": id, "name": name, "args": arguments}}
    return {
        "function_response": {"id": part.id, "name": names.get(part.id, part.id), "response": {"result": part.text}}
    }


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise unfit("images that are not base64") from None


def _tools(ask: Ask) -> Json:
    if not ask.tools:
        return {}
    calling: Json = {"mode": {"any": "ANY", "named": "ANY", "none": "NONE"}.get(ask.choice or "", "AUTO")}
    if ask.choice == "named":
        calling["allowed_function_names"] = [ask.named]
    return {
        "tools": [{"function_declarations": [_declared(tool) for tool in ask.tools]}],
        "tool_config": {"function_calling_config": calling},
        "automatic_function_calling": {"disable": True},
    }


def _declared(tool: Tool) -> Json:
    return {"name": tool.name, "description": tool.description, "parameters_json_schema": dict(tool.schema)}


def completion(said: types.GenerateContentResponse, model: str) -> Json:
    """A chat completion made of a whole answer; without choices where there is no candidate."""
    parts = parts_of(said)
    reason = finish_reason(said)
    return answer.completion(
        id=said.response_id,
        model=said.model_version or model,
        texts=[part.text for part in parts if part.text is not None],
        calls=[
            called(call.id or f"call_{number}", call.name, call.args)
            for number, call in enumerate(part.function_call for part in parts)
            if call is not None
        ],
        finish_reason="tool_calls" if reason == "stop" and _calls(parts) else reason,
        usage=usage(said),
        empty=not said.candidates and reason is None,
    )


def parts_of(said: types.GenerateContentResponse) -> list[types.Part]:
    """What the first candidate says, its thoughts left out."""
    candidate = said.candidates[0] if said.candidates else None
    parts = candidate.content.parts if candidate and candidate.content else None
    return [part for part in parts or () if not part.thought]


def finish_reason(said: types.GenerateContentResponse) -> str | None:
    """The finish reason of the first candidate, or of a prompt that was blocked; None where there is none."""
    if said.candidates:
        reason = said.candidates[0].finish_reason
        return None if reason is None else FINISH_REASONS.get(reason.value, reason.value)
    feedback = said.prompt_feedback
    return REFUSED_PROMPT if feedback is not None and feedback.block_reason is not None else None


def usage(said: types.GenerateContentResponse) -> Json | None:
    """The tokens as they were said, those of tools' results among the prompt's, and thoughts among the answer's."""
    counts = said.usage_metadata
    if counts is None or (counts.prompt_token_count is None and counts.candidates_token_count is None):
        return None
    return usage_of(
        _sum(counts.prompt_token_count, counts.tool_use_prompt_token_count),
        _sum(counts.candidates_token_count, counts.thoughts_token_count),
    )


def _sum(count: int | None, more: int | None) -> int | None:
    return count if count is None else count + (more or 0)


def _calls(parts: Sequence[types.Part]) -> bool:
    return any(part.function_call is not None for part in parts)


class Chunks:
    """Makes the chunks of one streamed answer from Gemini's, in their order."""

    def __init__(self, model: str) -> None:
        self.ended = False
        """Whether the provider said that the answer is complete: of what comes then only the tokens are read."""
        self._make = ChunkMaker(model=model)
        self._called = 0

    def of(self, said: types.GenerateContentResponse) -> list[Json]:
        """The chunks that one of theirs comes to."""
        made: list[Json] = []
        if not self.ended:
            self._make.name(said.response_id, said.model_version)
            made += self._words(said)
            reason = finish_reason(said)
            if reason is not None:
                self.ended = True
                made += self._make.begin()
                made += self._make.finish("tool_calls" if reason == "stop" and self._called else reason)
        return [*made, *self._make.counts(usage(said))]

    def _words(self, said: types.GenerateContentResponse) -> list[Json]:
        made: list[Json] = self._make.begin() if said.candidates else []
        for part in parts_of(said):
            call = part.function_call
            if call is not None:
                function = called(call.id or f"call_{self._called}", call.name, call.args)
                text = function["function"]["arguments"]
                made += self._make.tool(self._called, function["id"], call.name, text)
                self._called += 1
            elif part.text:
                made += self._make.words(part.text)
        return made
