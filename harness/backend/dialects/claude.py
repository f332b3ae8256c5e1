"""Requests and answers between OpenAI's form and that of Anthropic's messages. Pure: nothing is sent here.

Source: the Anthropic API reference (messages, tool use, streaming).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.backend.failure import Kind, UpstreamError

from . import Json, answer
from .answer import ChunkMaker, called, usage_of
from .ask import Ask, Image, Part, Tool, ToolCall, Turn, Words, read_ask

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Why Claude stopped, in OpenAI's words; a reason that is not here is passed on as it is."""


def message_request(body: Mapping[str, Any]) -> Json:
    """The request for a message that a request for a chat completion comes to. Raises UpstreamError."""
    ask = read_ask(body)
    messages = [{"role": turn.role, "content": _content(turn)} for turn in ask.turns]
    asked: Json = {"model": ask.model, "max_tokens": ask.limit_tokens, "messages": messages}
    wanted = {"system": ask.system or None, "temperature": ask.temperature, "top_p": ask.top_p}
    wanted["stop_sequences"] = list(ask.stop) or None
    wanted["metadata"] = {"user_id": ask.user} if ask.user else None
    wanted["tools"] = [_tool(tool) for tool in ask.tools] or None
    wanted["tool_choice"] = _choice(ask)
    return asked | {name: value for name, value in wanted.items() if value is not None}


def _content(turn: Turn) -> Any:
    match turn.parts:
        case (Words(text),):
            return text
    return [_block(part) for part in turn.parts]


def _block(part: Part) -> Json:
    match part:
        case Words(text):
            return {"type": "text", "text": text}
        case Image(url=url) if url:
            return {"type": "image", "source": {"type": "url", "url": url}}
        case Image(media_type, data):
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
        case ToolCall(id, name, arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": arguments}
    return {"type": "tool_result", "tool_use_id": part.id, "content": part.text}


def _tool(tool: Tool) -> Json:
    described = {} if tool.description is None else {"description": tool.description}
    return {"name": tool.name, **described, "input_schema": tool.schema}


def _choice(ask: Ask) -> Json | None:
    choice = {"type": "tool", "name": ask.named} if ask.choice == "named" else {"type": ask.choice}
    if not ask.parallel and ask.tools and ask.choice != "none":
        return {**choice, "type": choice["type"] or "auto", "disable_parallel_tool_use": True}
    return choice if ask.choice else None


def completion(message: Mapping[str, Any]) -> Json:
    """A chat completion made of a whole message; without choices where the message has no content at all."""
    blocks = message.get("content")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise UpstreamError(Kind.INVALID, "the provider's answer has no list of content blocks")
    return answer.completion(
        id=message.get("id"),
        model=message.get("model"),
        texts=[_text(block, "text") for block in blocks if block.get("type") == "text"],
        calls=[
            called(block.get("id"), block.get("name"), block.get("input"))
            for block in blocks
            if block.get("type") == "tool_use"
        ],
        finish_reason=finish_reason(message.get("stop_reason")),
        usage=usage(message.get("usage")),
        empty=not blocks,
    )


def finish_reason(stop_reason: Any) -> str | None:
    """The finish reason for a stop reason; None where there is none."""
    return FINISH_REASONS.get(stop_reason, stop_reason) if isinstance(stop_reason, str) else None


def usage(said: Any) -> Json | None:
    """The tokens as they were said, cached ones among the prompt's; None where nothing was."""
    if not isinstance(said, dict) or not said:
        return None
    given: Any = said.get("input_tokens")
    cached = [said.get(f"cache_{how}_input_tokens") or 0 for how in ("creation", "read")]
    if all(isinstance(count, int) for count in (given, *cached)):
        given += sum(cached)
    return usage_of(given, said.get("output_tokens"))


class Chunks:
    """Makes the chunks of one streamed answer from its events, in their order."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the provider said that the message is complete: whatever comes then is not read."""
        self._make = ChunkMaker()
        self._usage: Json = {}

    @property
    def begun(self) -> bool:
        """Whether any content came."""
        return self._make.begun

    def of(self, event: Mapping[str, Any]) -> list[Json]:
        """The chunks that an event comes to, often none. Raises UpstreamError."""
        match event.get("type"):
            case "message_start":
                message = _object(event, "message")
                self._make.name(message.get("id"), message.get("model"))
                self._note(message)
            case "content_block_start":
                return self._block(event, _object(event, "content_block"))
            case "content_block_delta":
                return self._delta(event, _object(event, "delta"))
            case "message_delta":
                self._note(event)
                return self._close(_object(event, "delta"))
            case "message_stop":
                self.ended = True
        return []

    def _block(self, event: Mapping[str, Any], block: Mapping[str, Any]) -> list[Json]:
        if block.get("type") == "tool_use":
            return self._make.tool(event.get("index"), block.get("id"), block.get("name"))
        return self._make.words(_text(block, "text")) if block.get("type") == "text" else self._make.begin()

    def _delta(self, event: Mapping[str, Any], delta: Mapping[str, Any]) -> list[Json]:
        match delta.get("type"):
            case "text_delta":
                return self._make.words(_text(delta, "text"))
            case "input_json_delta":
                return self._make.arguments(event.get("index"), _text(delta, "partial_json"))
        return []

    def _close(self, delta: Mapping[str, Any]) -> list[Json]:
        reason = finish_reason(delta.get("stop_reason"))
        if reason is None:
            return []
        if not self._make.begun:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no content")
        return [*self._make.finish(reason), *self._make.counts(usage(self._usage))]

    def _note(self, holder: Mapping[str, Any]) -> None:
        """Later counts take the place of earlier ones: they are cumulative."""
        said = holder.get("usage")
        if isinstance(said, dict):
            self._usage |= {name: count for name, count in said.items() if count is not None}


def _object(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = event.get(name)
    if not isinstance(found, dict):
        raise UpstreamError(Kind.INVALID, f"an event of the provider's stream has no {name}")
    return found


def _text(holder: Mapping[str, Any], name: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str):
        raise UpstreamError(Kind.INVALID, f"the provider's {name} is no text")
    return found
