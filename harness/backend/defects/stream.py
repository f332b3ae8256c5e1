"""Defects in passing a stream on, and in ending it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from harness.backend.agent.calls import AgentCalls
from harness.backend.agent.relay import AgentRelay
from harness.backend.gateway.call import Call
from harness.backend.gateway.calls import Calls
from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.relay import Chunk, Relay
from harness.backend.gateway.tokens import Tokens
from harness.backend.gateway.wire import EventStream, Terminals, Wire

from .base import Defect, instead, over


class InventedStop(Defect):
    """Half an answer is dressed up as a whole one."""

    id = "invented-stop"
    summary = "a provider that breaks off becomes finish_reason stop and [DONE]"

    class _Ends(Terminals):
        async def failed(self, call: Call, error: GatewayError, out: EventStream) -> None:
            stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            await out.send(self._wire.chunk(call, stop))
            await self.done(out)

    gateway = instead(terminals=_Ends)
    agent = instead(terminals=_Ends)


class SilentEnd(Defect):
    """Neither an error event nor a terminal."""

    id = "silent-end"
    summary = "a stream that fails just ends"

    class _Ends(Terminals):
        async def failed(self, call: Call, error: GatewayError, out: EventStream) -> None:
            return

    gateway = instead(terminals=_Ends)


class NoDoneAfterError(Defect):
    """The error event is the last thing."""

    id = "no-done-after-error"
    summary = "after the error event there is no [DONE]"

    class _Ends(Terminals):
        async def failed(self, call: Call, error: GatewayError, out: EventStream) -> None:
            await out.send(self.error_event(error))

    gateway = instead(terminals=_Ends)


class ContentAfterError(Defect):
    """The relay goes on after it has told of the failure."""

    id = "content-after-error"
    summary = "a chunk comes after the error event"

    class _Ends(Terminals):
        async def failed(self, call: Call, error: GatewayError, out: EventStream) -> None:
            await out.send(self.error_event(error))
            await out.send(self._wire.chunk(call, {"choices": [{"index": 0, "delta": {"content": ""}}]}))
            await self.done(out)

    gateway = instead(terminals=_Ends)
    agent = instead(terminals=_Ends)


class InBandErrorBare(Defect):
    """The event has half of the error object."""

    id = "in-band-error-bare"
    summary = "an error event lacks type and param"

    class _Ends(Terminals):
        def error_event(self, error: GatewayError) -> dict[str, Any]:
            return {"error": {"message": error.message, "code": error.code}}

    gateway = instead(terminals=_Ends)
    agent = instead(terminals=_Ends)


class DoubleDone(Defect):
    """The provider's terminal is passed on, and ours is added."""

    id = "double-done"
    summary = "a stream that went well has two [DONE]"

    class _Ends(Terminals):
        async def completed(self, call: Call, tokens: Tokens, out: EventStream) -> None:
            await super().completed(call, tokens, out)
            await self.done(out)

    gateway = instead(terminals=_Ends)


class NoDone(Defect):
    """A stream that went well ends without its terminal."""

    id = "no-done"
    summary = "a stream that went well lacks [DONE]"

    class _Ends(Terminals):
        async def completed(self, call: Call, tokens: Tokens, out: EventStream) -> None:
            if self.wants_usage(call):
                await out.send(self._wire.usage_chunk(call, tokens))

    gateway = instead(terminals=_Ends)


class DropsConnection(Defect):
    """The connection is closed before HTTP's own end of the message."""

    id = "drops-connection"
    summary = "the connection is closed right after [DONE], the HTTP message incomplete"

    class _Ends(Terminals):
        async def done(self, out: EventStream) -> None:
            await super().done(out)
            if out.request.transport is not None:
                out.request.transport.close()

    gateway = instead(terminals=_Ends)


class BufferedRelay(Defect):
    """The answer is collected first and then sent."""

    id = "buffered-relay"
    summary = "nothing is passed on before the provider's stream has ended"

    class _Collects(Relay):
        async def run(self, call: Call, first: Chunk, chunks: AsyncIterator[Chunk], out: EventStream) -> None:
            collected = [chunk async for chunk in chunks]

            async def replayed() -> AsyncIterator[Chunk]:
                for chunk in collected:
                    yield chunk

            await super().run(call, first, replayed(), out)

    gateway = instead(relay=_Collects)
    agent = instead(relay=over(_Collects, AgentRelay))


class DroppedChunk(Defect):
    """One piece of the words gets lost."""

    id = "dropped-chunk"
    summary = "the third chunk of a stream is not passed on"

    class _Loses(Relay):
        async def pass_on(self, call: Call, chunk: Chunk, out: EventStream) -> None:
            if call.chunks == 2:
                call.chunks += 1
                return
            await super().pass_on(call, chunk, out)

    gateway = instead(relay=_Loses)


class FinishReasonLost(Defect):
    """Chunks are rebuilt, and this field is forgotten."""

    id = "finish-reason-lost"
    summary = "no chunk has a finish reason"

    class _Forgets(Wire):
        def finish_reason(self, choice: Mapping[str, Any]) -> Any:
            return None

    gateway = instead(wire=_Forgets)
    agent = instead(wire=_Forgets)


class ChunkWithoutObject(Defect):
    """Chunks do not say what they are."""

    id = "chunk-without-object"
    summary = "chunks lack the field object"

    class _Forgets(Wire):
        def chunk(self, call: Call, chunk: Mapping[str, Any]) -> dict[str, Any]:
            piece = super().chunk(call, chunk)
            return {name: value for name, value in piece.items() if name != "object"}

    gateway = instead(wire=_Forgets)
    agent = instead(wire=_Forgets)


class NoCacheHeaderMissing(Defect):
    """Whatever is on the way may keep the stream."""

    id = "no-cache-header-missing"
    summary = "a stream does not say Cache-Control: no-cache"

    class _Forgets(Calls):
        def stream_headers(self) -> dict[str, str]:
            return {"Content-Type": "text/event-stream; charset=utf-8"}

    gateway = instead(calls=_Forgets)
    agent = instead(calls=over(_Forgets, AgentCalls))


class UsageChunkAlways(Defect):
    """The usage is sent to whoever did not ask."""

    id = "usage-chunk-always"
    summary = "the usage chunk comes although it was not asked for"

    class _Ends(Terminals):
        def wants_usage(self, call: Call) -> bool:
            return True

    gateway = instead(terminals=_Ends)
    agent = instead(terminals=_Ends)


class UsageChunkMissing(Defect):
    """The usage is kept from whoever did ask."""

    id = "usage-chunk-missing"
    summary = "the usage chunk does not come although it was asked for"

    class _Ends(Terminals):
        def wants_usage(self, call: Call) -> bool:
            return False

    gateway = instead(terminals=_Ends)
    agent = instead(terminals=_Ends)
