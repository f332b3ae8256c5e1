"""A request for a chat completion, taken apart: what the dialects of other protocols make their requests of.

Pure: nothing is sent here. What a request asks for that none of those protocols has (penalties, log probabilities)
is not in it, and goes no further.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.backend.failure import Kind, UpstreamError

OUTPUT_TOKENS_DEFAULT = 1_000
"""The output limit where the request has none: what a call may cost is reckoned by it."""

_SYSTEM = ("system", "developer")
_RESULTS = ("tool", "function")


@dataclass(frozen=True, slots=True)
class Words:
    """A text."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image: base64 with its media type, or the address of one."""

    media_type: str
    data: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model made earlier."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a called tool gave back."""

    id: str
    text: str


Part = Words | Image | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said at a time: ``user`` or ``assistant``. The results of tools are the user's, all in one turn."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; ``schema`` is the JSON schema of its arguments."""

    name: str
    description: str | None
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The whole request.

    ``choice`` says which tool is to be called: ``auto``, ``none``, ``any`` of them, or the one that ``named`` names;
    None where nothing is said.
    """

    model: str
    system: str
    turns: tuple[Turn, ...]
    limit_tokens: int
    temperature: Any = None
    top_p: Any = None
    stop: tuple[str, ...] = ()
    user: str | None = None
    tools: tuple[Tool, ...] = ()
    choice: str | None = None
    named: str = ""
    parallel: bool = True


def read_ask(body: Mapping[str, Any]) -> Ask:
    """A request's parts. Raises UpstreamError where a part has no place in other protocols, naming it."""
    messages = body["messages"]
    system = [text for one in messages if one["role"] in _SYSTEM for text in _texts(one.get("content"))]
    turns = tuple(_turns(one for one in messages if one["role"] not in _SYSTEM))
    if not turns:
        raise unfit("requests that hold nothing but instructions")
    choice, named = _choice(body.get("tool_choice"))
    return Ask(
        model=body["model"],
        system="\n\n".join(system),
        turns=turns,
        limit_tokens=body.get("max_completion_tokens") or body.get("max_tokens") or OUTPUT_TOKENS_DEFAULT,
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=_stops(body.get("stop")),
        user=body["user"] if isinstance(body.get("user"), str) else None,
        tools=tuple(_tool(tool) for tool in _items(body.get("tools"), "tools")),
        choice=choice,
        named=named,
        parallel=body.get("parallel_tool_calls") is not False,
    )


def unfit(what: str) -> UpstreamError:
    """A request that this provider cannot be asked: refused as it would refuse it."""
    words = f"This model does not take {what}."
    return UpstreamError(Kind.REFUSED, "the request cannot be put to this provider", words=words, said=True)


def _items(given: Any, what: str) -> list[Any]:
    """A list, empty where nothing is given."""
    if not isinstance(given or [], list):
        raise unfit(f"{what} that are no list")
    return given or []


def _stops(given: Any) -> tuple[str, ...]:
    stops = [given] if given and isinstance(given, str) else _items(given, "stop sequences")
    if not all(isinstance(stop, str) for stop in stops):
        raise unfit("stop sequences that are no texts")
    return tuple(stops)


def _turns(messages: Iterable[Mapping[str, Any]]) -> list[Turn]:
    turns: list[Turn] = []
    for one in messages:
        if one["role"] not in _RESULTS:
            turns.append(Turn(one["role"], _parts(one)))
            continue
        result = ToolResult(str(one.get("tool_call_id") or one.get("name") or ""), "".join(_texts(one.get("content"))))
        if turns and _is_result(turns[-1]):
            turns[-1] = Turn("user", (*turns[-1].parts, result))
        else:
            turns.append(Turn("user", (result,)))
    return turns


def _is_result(turn: Turn) -> bool:
    return bool(turn.parts) and isinstance(turn.parts[-1], ToolResult)


def _parts(message: Mapping[str, Any]) -> tuple[Part, ...]:
    content = message.get("content")
    said: list[Part] = []
    if isinstance(content, str) and (content or not message.get("tool_calls")):
        said.append(Words(content))
    elif isinstance(content, list):
        said += [_part(part) for part in content]
    return (*said, *(_call(call) for call in _items(message.get("tool_calls"), "tool calls")))


def _part(part: Mapping[str, Any]) -> Part:
    match part.get("type"):
        case "text":
            return Words(part["text"])
        case "image_url" if isinstance(part.get("image_url"), dict) and isinstance(part["image_url"].get("url"), str):
            return _image(part["image_url"]["url"])
    raise unfit(f"content parts of type {part.get('type')!r}")


def _image(url: str) -> Image:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Image(head.removeprefix("data:").removesuffix(";base64"), data)
    return Image("", "", url)


def _call(call: Any) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise unfit("tool calls that are no functions")
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError, RecursionError):
        raise unfit("arguments of a tool call that are not JSON") from None
    return ToolCall(str(call.get("id") or ""), function["name"], arguments)


def _tool(tool: Any) -> Tool:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise unfit("tools that are no functions")
    schema = function.get("parameters")
    return Tool(function["name"], function.get("description"), schema if isinstance(schema, dict) else _NO_ARGUMENTS)


_NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}


def _choice(wanted: Any) -> tuple[str | None, str]:
    if isinstance(wanted, dict) and isinstance(wanted.get("function"), dict):
        return "named", str(wanted["function"].get("name"))
    return {"auto": "auto", "none": "none", "required": "any"}.get(str(wanted)), ""


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or () if part.get("type") == "text"]
