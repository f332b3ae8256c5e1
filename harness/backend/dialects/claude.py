"""Requests and answers between OpenAI's form and that of Anthropic's messages. Pure: nothing is sent here.

Source: the Anthropic API reference (messages, tool use, streaming). What a request asks for that Claude does not have
(penalties, log probabilities, a seed) goes no further.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from harness.backend.failure import Kind, UpstreamError

Json = dict[str, Any]

OUTPUT_TOKENS_DEFAULT = 1_000
"""The output limit where the request has none: the protocol demands one."""

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

_AS_THEY_ARE = ("temperature", "top_p", "model")


def message_request(body: Mapping[str, Any]) -> Json:
    """The request for a message that a request for a chat completion comes to. Raises UpstreamError."""
    system = [text for one in body["messages"] if one["role"] in _SYSTEM for text in _texts(one.get("content"))]
    messages = _messages([one for one in body["messages"] if one["role"] not in _SYSTEM])
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or OUTPUT_TOKENS_DEFAULT
    asked: Json = {"max_tokens": limit, "messages": messages}
    asked |= {name: body[name] for name in _AS_THEY_ARE if body.get(name) is not None}
    if system:
        asked["system"] = "\n\n".join(system)
    stop = body.get("stop")
    if stop is not None:
        asked["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if isinstance(body.get("user"), str):
        asked["metadata"] = {"user_id": body["user"]}
    return asked | _tools(body)


_SYSTEM = ("system", "developer")


def _messages(given: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The messages by turns; the results of tools go together into one turn of the user's."""
    turns: list[Json] = []
    for one in given:
        if one["role"] in ("tool", "function"):
            result = {"type": "tool_result", "tool_use_id": one.get("tool_call_id"), "content": one.get("content")}
            if turns and turns[-1]["role"] == "user" and _is_results(turns[-1]["content"]):
                turns[-1]["content"].append(result)
            else:
                turns.append({"role": "user", "content": [result]})
        else:
            turns.append({"role": one["role"], "content": _content(one)})
    return turns


def _is_results(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and content[0].get("type") == "tool_result"


def _content(message: Mapping[str, Any]) -> Any:
    content = message.get("content")
    blocks = [_block(part) for part in content] if isinstance(content, list) else []
    calls = message.get("tool_calls") or ()
    if isinstance(content, str) and not calls:
        return content
    if isinstance(content, str) and content:
        blocks = [{"type": "text", "text": content}]
    return blocks + [_tool_use(call) for call in calls]


def _block(part: Mapping[str, Any]) -> Json:
    match part.get("type"):
        case "text":
            return {"type": "text", "text": part["text"]}
        case "image_url" if isinstance(part.get("image_url"), dict) and isinstance(part["image_url"].get("url"), str):
            return {"type": "image", "source": _source(part["image_url"]["url"])}
    raise _unfit(f"content parts of type {part.get('type')!r}")


def _source(url: str) -> Json:
    """An image by its address, or in it."""
    head, comma, data = url.partition(",")
    if head.startswith("data:") and head.endswith(";base64") and comma:
        media_type = head.removeprefix("data:").removesuffix(";base64")
        return {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "url", "url": url}


def _tool_use(call: Any) -> Json:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise _unfit("tool calls that are no functions")
    try:
        given = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError):
        raise _unfit("arguments of a tool call that are not JSON") from None
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}


def _tools(body: Mapping[str, Any]) -> Json:
    """The tools, and which of them may or must be called."""
    found: Json = {}
    tools = body.get("tools")
    if tools:
        found["tools"] = [_tool(tool) for tool in tools]
    choice = body.get("tool_choice")
    wanted: Json = {}
    if isinstance(choice, str):
        wanted = {"type": {"required": "any"}.get(choice, choice)}
    elif isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        wanted = {"type": "tool", "name": choice["function"].get("name")}
    if body.get("parallel_tool_calls") is False and tools:
        wanted = {"type": "auto", **wanted, "disable_parallel_tool_use": True}
    return {**found, "tool_choice": wanted} if wanted else found


def _tool(tool: Any) -> Json:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise _unfit("tools that are no functions")
    told = {name: function[name] for name in ("name", "description") if name in function}
    return {**told, "input_schema": function.get("parameters") or {"type": "object"}}


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or () if part.get("type") == "text"]


def _unfit(what: str) -> UpstreamError:
    """A request that this provider cannot be asked: refused as it would refuse it."""
    words = f"This model does not take {what}."
    return UpstreamError(Kind.REFUSED, "the request cannot be put to this provider", words=words, said=True)


def completion(message: Mapping[str, Any]) -> Json:
    """A chat completion made of a whole message; without choices where the message has no content at all."""
    blocks = message.get("content")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise UpstreamError(Kind.INVALID, "the provider's answer has no list of content blocks")
    texts = [block.get("text") for block in blocks if block.get("type") == "text"]
    if not all(isinstance(text, str) for text in texts):
        raise UpstreamError(Kind.INVALID, "the provider's answer has a text block without a text")
    said: Json = {"role": "assistant", "content": "".join(map(str, texts)) if texts else None}
    calls = [_called(block) for block in blocks if block.get("type") == "tool_use"]
    choice = {
        "index": 0,
        "message": {**said, "tool_calls": calls} if calls else said,
        "finish_reason": finish_reason(message.get("stop_reason")),
    }
    return {
        "id": message.get("id"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": message.get("model"),
        "choices": [choice] if blocks else [],
        **usage(message.get("usage")),
    }


def _called(block: Mapping[str, Any]) -> Json:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    return {
        "id": block.get("id"),
        "type": "function",
        "function": {"name": block.get("name"), "arguments": arguments},
    }


def finish_reason(stop_reason: Any) -> str | None:
    """The finish reason for a stop reason; None where there is none."""
    return FINISH_REASONS.get(stop_reason, stop_reason) if isinstance(stop_reason, str) else None


def usage(said: Any) -> Json:
    """``{"usage": ...}`` with the values as they were said, cached tokens among the prompt's; empty without one."""
    if not isinstance(said, dict):
        return {}
    into: Any = said.get("input_tokens")
    cached = [said.get(f"cache_{how}_input_tokens") or 0 for how in ("creation", "read")]
    if all(isinstance(count, int) for count in (into, *cached)):
        into += sum(cached)
    return {"usage": {"prompt_tokens": into, "completion_tokens": said.get("output_tokens")}}


class Chunks:
    """Makes the chunks of one streamed answer from its events, in their order."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the provider said that the message is complete: whatever comes then is not read."""
        self._head: Json = {"object": "chat.completion.chunk", "created": int(time.time())}
        self._usage: Json = {}
        self._begun = False
        self._tools: dict[Any, int] = {}
        self._counted = False

    def of(self, event: Mapping[str, Any]) -> list[Json]:
        """The chunks that an event comes to, often none. Raises UpstreamError."""
        match event.get("type"):
            case "message_start":
                self._start(_object(event, "message"))
            case "content_block_start":
                return self._block(event, _object(event, "content_block"))
            case "content_block_delta":
                return self._delta(event, _object(event, "delta"))
            case "message_delta":
                return self._close(event, _object(event, "delta"))
            case "message_stop":
                self.ended = True
                return self.counts()
        return []

    def counts(self) -> list[Json]:
        """The last chunk, which has the tokens; none where the provider said nothing of them, or it was given."""
        told = {} if self._counted else usage(self._usage or None)
        self._counted = True
        return [{**self._head, "choices": [], **told}] if told else []

    def _start(self, message: Mapping[str, Any]) -> None:
        self._head |= {"id": message.get("id"), "model": message.get("model")}
        self._note(message.get("usage"))

    def _block(self, event: Mapping[str, Any], block: Mapping[str, Any]) -> list[Json]:
        delta: Json = {} if self._begun else {"role": "assistant", "content": ""}
        self._begun = True
        if block.get("type") == "text" and block.get("text"):
            delta["content"] = _text(block, "text")
        if block.get("type") == "tool_use":
            number = self._tools.setdefault(event.get("index"), len(self._tools))
            function = {"name": block.get("name"), "arguments": ""}
            delta["tool_calls"] = [{"index": number, "id": block.get("id"), "type": "function", "function": function}]
        return [self._chunk(delta)] if delta else []

    def _delta(self, event: Mapping[str, Any], delta: Mapping[str, Any]) -> list[Json]:
        match delta.get("type"):
            case "text_delta":
                return [self._chunk({"content": _text(delta, "text")})]
            case "input_json_delta" if event.get("index") in self._tools:
                function = {"arguments": _text(delta, "partial_json")}
                return [self._chunk({"tool_calls": [{"index": self._tools[event["index"]], "function": function}]})]
        return []

    def _close(self, event: Mapping[str, Any], delta: Mapping[str, Any]) -> list[Json]:
        self._note(event.get("usage"))
        reason = finish_reason(delta.get("stop_reason"))
        if reason is None:
            return []
        if not self._begun:
            raise UpstreamError(Kind.INVALID, "the provider's answer has no content")
        return [self._chunk({}, reason)]

    def _note(self, said: Any) -> None:
        """Later counts take the place of earlier ones: they are cumulative."""
        if isinstance(said, dict):
            self._usage |= {name: count for name, count in said.items() if count is not None}

    def _chunk(self, delta: Json, reason: str | None = None) -> Json:
        return {**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


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
