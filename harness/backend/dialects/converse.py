"""Requests and answers between OpenAI's form and that of Bedrock's Converse. Pure: nothing is sent here.

Source: the Amazon Bedrock API reference (Converse, ConverseStream).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from harness.backend.failure import Kind, UpstreamError

from . import Json, answer
from .answer import ChunkMaker, called, usage_of
from .ask import Ask, Image, Part, Tool, ToolCall, Words, read_ask, unfit

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
"""Why the model stopped, in OpenAI's words; a reason that is not here is passed on as it is."""


def converse_request(body: Mapping[str, Any]) -> Json:
    """The parameters of Converse that a request for a chat completion comes to. Raises UpstreamError."""
    ask = read_ask(body)
    messages = [{"role": turn.role, "content": [_block(part) for part in turn.parts]} for turn in ask.turns]
    config = {"maxTokens": ask.limit_tokens, "temperature": ask.temperature, "topP": ask.top_p}
    config["stopSequences"] = list(ask.stop) or None
    asked: Json = {
        "modelId": ask.model,
        "messages": messages,
        "inferenceConfig": {name: value for name, value in config.items() if value is not None},
    }
    if ask.system:
        asked["system"] = [{"text": ask.system}]
    if ask.tools and ask.choice != "none":
        asked["toolConfig"] = _tools(ask)
    return asked


def _block(part: Part) -> Json:
    match part:
        case Words(text):
            return {"text": text}
        case Image(url=url) if url:
            raise unfit("images by their address")
        case Image(media_type, data):
            return {"image": {"format": media_type.rpartition("/")[2], "source": {"bytes": _bytes(data)}}}
        case ToolCall(id, name, arguments):
            return {"toolUse": {"toolUseId": id, "name": name, "input": arguments}}
    return {"toolResult": {"toolUseId": part.id, "content": [{"text": part.text}]}}


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise unfit("images that are not base64") from None


def _tools(ask: Ask) -> Json:
    config: Json = {"tools": [{"toolSpec": _spec(tool)} for tool in ask.tools]}
    if ask.choice == "named":
        config["toolChoice"] = {"tool": {"name": ask.named}}
    elif ask.choice:
        config["toolChoice"] = {ask.choice: {}}
    return config


def _spec(tool: Tool) -> Json:
    described = {} if tool.description is None else {"description": tool.description}
    return {"name": tool.name, **described, "inputSchema": {"json": dict(tool.schema)}}


def completion(said: Mapping[str, Any], model: str) -> Json:
    """A chat completion made of a whole answer; without choices where there is no content in it at all."""
    blocks = (said.get("output") or {}).get("message", {}).get("content")
    if not isinstance(blocks, list):
        raise UpstreamError(Kind.INVALID, "the provider's answer has no content")
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    return answer.completion(
        id=said["ResponseMetadata"].get("RequestId"),
        model=model,
        texts=[block["text"] for block in blocks if "text" in block],
        calls=[called(use.get("toolUseId"), use.get("name"), use.get("input")) for use in uses],
        finish_reason=finish_reason(said.get("stopReason")),
        usage=usage(said.get("usage")),
        empty=not blocks,
    )


def finish_reason(stop_reason: Any) -> str | None:
    """The finish reason for a stop reason; None where there is none."""
    return FINISH_REASONS.get(stop_reason, stop_reason) if isinstance(stop_reason, str) else None


def usage(said: Any) -> Json | None:
    """The tokens as they were said; None where nothing was."""
    return usage_of(said.get("inputTokens"), said.get("outputTokens")) if isinstance(said, dict) and said else None


_NEEDED: Mapping[str, str] = {
    "messageStart": "role",
    "contentBlockStart": "start",
    "contentBlockDelta": "delta",
    "contentBlockStop": "contentBlockIndex",
    "messageStop": "stopReason",
}
"""What the events of a stream never lack. The library makes an event without any field of one that is not JSON."""


class Chunks:
    """Makes the chunks of one streamed answer from its events, in their order."""

    def __init__(self, id: Any, model: str) -> None:
        self.stopped = False
        """Whether the provider said that the message is complete: of what comes then only the tokens are read."""
        self.ended = False
        """Whether the tokens came too: nothing more is read."""
        self._make = ChunkMaker(id=id, model=model)

    def of(self, event: Mapping[str, Any]) -> list[Json]:
        """The chunks that an event comes to, often none. Raises UpstreamError."""
        for name, needed in _NEEDED.items():
            if name in event and needed not in event[name]:
                raise UpstreamError(Kind.INVALID, f"an event of the provider's stream has no {needed}")
        if "metadata" in event:
            self.ended = self.stopped
            return self._make.counts(usage(event["metadata"].get("usage")))
        if self.stopped:
            return []
        if "contentBlockStart" in event:
            return self._block(event["contentBlockStart"])
        if "contentBlockDelta" in event:
            return self._delta(event["contentBlockDelta"])
        if "messageStop" in event:
            return self._close(event["messageStop"])
        return []

    def _block(self, block: Mapping[str, Any]) -> list[Json]:
        use = block["start"].get("toolUse")
        if use is None:
            return self._make.begin()
        return self._make.tool(block.get("contentBlockIndex"), use.get("toolUseId"), use.get("name"))

    def _delta(self, block: Mapping[str, Any]) -> list[Json]:
        delta = block["delta"]
        if "toolUse" in delta:
            return self._make.arguments(block.get("contentBlockIndex"), delta["toolUse"].get("input") or "")
        return self._make.words(delta.get("text") or "")

    def _close(self, stop: Mapping[str, Any]) -> list[Json]:
        reason = finish_reason(stop["stopReason"])
        if reason is None:
            return []
        if not self._make.begun:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no content")
        self.stopped = True
        return self._make.finish(reason)
