"""What goes out to clients: chunks and completions under our id and the name that was asked for, and streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from typing import Any

from aiohttp import web

from harness.backend.bodies import ClientGone
from harness.backend.upstream import Kind, UpstreamError, choices_of, part_of

from .call import Call
from .errors import GatewayError
from .tokens import Tokens

_DELTA = ("role", "content", "refusal", "tool_calls")
_MESSAGE = ("role", "content", "refusal", "tool_calls", "annotations")


class Wire:
    """Turns the provider's answers into ours. What only this provider has (``x_groq``, ``obfuscation``) stays behind.

    An answer has one id, ours, whatever ids the provider gave to its pieces, and the model's name as it was asked for.
    """

    def completion(self, call: Call, answer: Mapping[str, Any], tokens: Tokens) -> dict[str, Any]:
        """A whole answer."""
        return {
            **self.head(call, answer, "chat.completion"),
            "choices": [self.choice(choice, "message", _MESSAGE) for choice in choices_of(answer)],
            "usage": tokens.usage(),
        }

    def chunk(self, call: Call, chunk: Mapping[str, Any]) -> dict[str, Any]:
        """One piece of a streamed answer."""
        piece = {
            **self.head(call, chunk, "chat.completion.chunk"),
            "choices": [self.choice(choice, "delta", _DELTA) for choice in choices_of(chunk)],
        }
        return {**piece, "usage": None} if call.ask.include_usage else piece

    def usage_chunk(self, call: Call, tokens: Tokens) -> dict[str, Any]:
        """The last piece, with the usage and no choices."""
        return {**self.head(call, {}, "chat.completion.chunk"), "choices": [], "usage": tokens.usage()}

    def head(self, call: Call, theirs: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """The fields that all pieces of an answer share."""
        head = {
            "id": self.completion_id(call),
            "object": kind,
            "created": call.created,
            "model": self.model_name(call),
        }
        print_of_system = theirs.get("system_fingerprint")
        return {**head, "system_fingerprint": print_of_system} if isinstance(print_of_system, str) else head

    def completion_id(self, call: Call) -> str:
        """The answer's id: the call's own."""
        return f"chatcmpl-{call.record.id.hex}"

    def model_name(self, call: Call) -> str:
        """The model as it was asked for."""
        return call.ask.model

    def choice(self, choice: Mapping[str, Any], part: str, fields: tuple[str, ...]) -> dict[str, Any]:
        """One choice, with its delta or message."""
        theirs = part_of(choice, part)
        return {
            "index": choice.get("index", 0),
            part: {name: theirs[name] for name in fields if name in theirs},
            "logprobs": choice.get("logprobs"),
            "finish_reason": self.finish_reason(choice),
        }

    def finish_reason(self, choice: Mapping[str, Any]) -> Any:
        """The provider's finish reason, or None: there is no other."""
        return choice.get("finish_reason")


def characters_of(choices: list[Any], part: str) -> int:
    """The characters of words in these choices: content and refusals, and the arguments of called tools."""
    count = 0
    for choice in choices:
        theirs = choice[part]
        words = [theirs.get("content"), theirs.get("refusal"), *map(_arguments, theirs.get("tool_calls") or ())]
        count += sum(len(text) for text in words if isinstance(text, str))
    return count


def _arguments(tool_call: Any) -> Any:
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    return function.get("arguments") if isinstance(function, dict) else None


class EventStream:
    """A streamed response to one client. Its header section has gone out. Raises ClientGone."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self.request = request
        self.response = response

    async def send(self, data: Mapping[str, Any]) -> None:
        """One event with a JSON object."""
        try:
            text = json.dumps(data, allow_nan=False, separators=(",", ":"))
        except ValueError as wrong:
            raise UpstreamError(Kind.INVALID, "the provider sent a number that JSON does not have") from wrong
        await self.write(f"data: {text}\n\n".encode())

    async def write(self, data: bytes) -> None:
        """Bytes as they are; waits while the client is slower than we are."""
        try:
            await self.response.write(data)
        except ConnectionError as gone:
            raise ClientGone("the client closed the connection") from gone

    def abort(self) -> None:
        """Cut the connection: the client does not read, and what is buffered for it cannot be taken back."""
        if self.request.transport is not None:
            self.request.transport.abort()


class Terminals:
    """The ends of a stream. Each is written within a limit: a client that does not read cannot hold a call open."""

    def __init__(self, wire: Wire, limit_s: float) -> None:
        self._wire = wire
        self._limit_s = limit_s

    async def completed(self, call: Call, tokens: Tokens, out: EventStream) -> None:
        """The end of an answer that is complete: the usage where it was asked for, then ``[DONE]``."""
        if self.wants_usage(call):
            await out.send(self._wire.usage_chunk(call, tokens))
        await self.done(out)

    async def failed(self, call: Call, error: GatewayError, out: EventStream) -> None:
        """The end of an answer that broke off: one error event, then ``[DONE]``. No finish reason is made up."""
        del call
        await out.send(self.error_event(error))
        await self.done(out)

    async def done(self, out: EventStream) -> None:
        """The stream's own terminal."""
        await out.write(b"data: [DONE]\n\n")

    def wants_usage(self, call: Call) -> bool:
        """Whether the client asked for the usage."""
        return call.ask.include_usage

    def error_event(self, error: GatewayError) -> dict[str, Any]:
        """The same object that an error answer has."""
        return error.body()

    async def within_limit(self, out: EventStream, ending: Awaitable[None]) -> None:
        """Write an ending, or cut the connection when that takes too long. Raises ClientGone."""
        try:
            async with asyncio.timeout(self._limit_s):
                await ending
        except TimeoutError:
            out.abort()
            raise ClientGone("the client does not read") from None
