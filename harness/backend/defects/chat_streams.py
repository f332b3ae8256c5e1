"""Defects in passing a stream of chat on, in ending it, and in what is asked of Bedrock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from harness.backend.chat.accounting import AccountingClient
from harness.backend.chat.bedrock import Bedrock
from harness.backend.chat.billing import ChatBilling
from harness.backend.chat.errors import ChatError
from harness.backend.chat.families import Family, Llama, Nova, Piece
from harness.backend.chat.models import MODELS, ChatModels
from harness.backend.chat.request import Ask, ChatValidator, Message
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Turn
from harness.backend.chat.wire import ChatWire, Outlet
from harness.backend.upstream import Kind, UpstreamError

from .base import Defect, instead


class ChatSilentEnd(Defect):
    """A stream that failed is closed."""

    id = "chat-silent-end"
    summary = "a stream whose provider fails just ends"

    class _Ends(Streams):
        async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
            if not out.opened or turn.stopped or self.cut_short(error) or not isinstance(error, UpstreamError):
                return await super().failed(turn, error, out)
            turn.fail(error)
            await self.abort(turn)
            return out.response

    chat = instead(streams=_Ends)


class ChatInventedDone(Defect):
    """Half an answer is dressed up as a whole one."""

    id = "chat-invented-done"
    summary = "a provider that breaks off becomes done"

    class _Ends(Streams):
        async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
            if not out.opened or turn.stopped or self.cut_short(error) or not isinstance(error, UpstreamError):
                return await super().failed(turn, error, out)
            turn.fail(error)
            await self.abort(turn)
            return await self.tell(turn, self.wire.done(turn), out)

    chat = instead(streams=_Ends)


class ChatTwoTerminals(Defect):
    """The end is told by who ends the stream, and by who closes it."""

    id = "chat-two-terminals"
    summary = "the owner reads the terminal twice"

    class _Repeats(Streams):
        async def tell(self, turn: Turn, terminal: bytes, out: Outlet) -> web.StreamResponse:
            response = await super().tell(turn, terminal, out)
            await out.send(terminal)
            return response

    chat = instead(streams=_Repeats)


class ChatInBandCodeGeneric(Defect):
    """Inside a stream an error is an error."""

    id = "chat-in-band-code-generic"
    summary = "an error event has one code for all failures"

    class _Flattens(ChatWire):
        def error(self, told: ChatError) -> bytes:
            return self.event("error", {**told.event(), "errorCode": "STREAM_ERROR"})

    chat = instead(wire=_Flattens)


class ChatDroppedDelta(Defect):
    """One piece of the words gets lost."""

    id = "chat-dropped-delta"
    summary = "the last piece of a Titan model's answer is not passed on"

    class _Loses(Streams):
        async def relay(self, turn: Turn, piece: Piece, out: Outlet) -> None:
            if piece.text and turn.chunks == 7 and "titan" in turn.ask.model:
                turn.delivered(piece.text)
                return
            await super().relay(turn, piece, out)

    chat = instead(streams=_Loses)


class ChatBuffered(Defect):
    """The answer is collected first and then sent."""

    id = "chat-buffered"
    summary = "a Nova Micro model's words are passed on when all of them are there"

    class _Collects(Bedrock):
        @asynccontextmanager
        async def stream(
            self, model: str, body: Mapping[str, Any], family: Family
        ) -> AsyncIterator[AsyncIterator[Piece]]:
            async with super().stream(model, body, family) as pieces:
                yield self._collected(pieces) if "micro" in model else pieces

        async def _collected(self, pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
            for piece in [one async for one in pieces]:
                yield piece

    chat = instead(bedrock=_Collects)


class ChatNoCacheMissing(Defect):
    """Whatever is on the way may keep the stream."""

    id = "chat-no-cache-missing"
    summary = "a stream does not say Cache-Control: no-cache"

    class _Forgets(ChatWire):
        def headers(self) -> dict[str, str]:
            return {"Content-Type": "text/event-stream; charset=utf-8"}

    chat = instead(wire=_Forgets)


class ChatUsageInvented(Defect):
    """The usage is what was estimated."""

    id = "chat-usage-invented"
    summary = "done gives an estimate where the provider counted"

    class _Guesses(ChatWire):
        def done(self, turn: Turn) -> bytes:
            usage = {"inputTokens": turn.ask.characters // 4, "outputTokens": turn.characters // 4}
            return self.event("done", {"usage": usage, "creditsUsed": turn.credits})

    chat = instead(wire=_Guesses)


class ChatOwnerGoneRunsOn(Defect):
    """Bedrock is read by a task that nobody stops."""

    id = "chat-owner-gone-runs-on"
    summary = "the provider's stream goes on after the owner has left"

    class _RunsOn(Bedrock):
        @asynccontextmanager
        async def stream(
            self, model: str, body: Mapping[str, Any], family: Family
        ) -> AsyncIterator[AsyncIterator[Piece]]:
            queue: asyncio.Queue[Piece | UpstreamError | None] = asyncio.Queue()
            task = asyncio.create_task(self._pump(model, body, family, queue))
            yield self._read(queue, task)

        async def _pump(self, model: str, body: Mapping[str, Any], family: Family, queue: asyncio.Queue[Any]) -> None:
            try:
                async with super().stream(model, body, family) as pieces:
                    async for piece in pieces:
                        queue.put_nowait(piece)
                queue.put_nowait(None)
            except UpstreamError as failure:
                queue.put_nowait(failure)

        async def _read(self, queue: asyncio.Queue[Any], task: asyncio.Task[None]) -> AsyncIterator[Piece]:
            while (item := await queue.get()) is not None:
                if isinstance(item, UpstreamError):
                    raise item
                yield item
            await task

    chat = instead(bedrock=_RunsOn)


class ChatStopCutsStreams(Defect):
    """Who stops closes what is open."""

    id = "chat-stop-cuts-streams"
    summary = "when the service is stopped, streams are cut and accounting is not told"

    class _Cuts(Streams):
        async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
            if self.cut_short(error) is None or not out.opened:
                return await super().failed(turn, error, out)
            out.abort()
            return out.response

    chat = instead(streams=_Cuts)


class ChatSessionPerStream(Defect):
    """Each call of accounting opens an HTTP session of its own and leaves it open."""

    id = "chat-session-per-stream"
    summary = "a client session is opened for each stream and never closed"

    class _Opens(AccountingClient):
        def session(self) -> aiohttp.ClientSession:
            opened = aiohttp.ClientSession()
            self._clients.ending.push_async_callback(opened.close)  # with the process they would end anyway
            return opened

    chat = instead(accounting=_Opens)


class ChatModelSuffixCut(Defect):
    """The colon and what follows is taken for a version that nobody needs."""

    id = "chat-model-suffix-cut"
    summary = "the list of models has ids without their :0"

    class _Cuts(ChatModels):
        def shown(self, name: str) -> str:
            return name.partition(":")[0]

    chat = instead(models=_Cuts)


class ChatOtherModel(Defect):
    """The cheaper model answers as well."""

    id = "chat-other-model"
    summary = "Bedrock is asked for another model than the client named"

    class _Saves(Bedrock):
        async def _open(self, model: str, body: Mapping[str, Any]) -> Any:
            return await super()._open(model.replace("nova-lite", "nova-micro"), body)

    chat = instead(bedrock=_Saves)


class ChatWrongFamilyBody(Defect):
    """One body for all models."""

    id = "chat-wrong-family-body"
    summary = "Titan and Llama are sent the body of Nova"

    class _Flattens(ChatModels):
        def of(self, name: str) -> Family:
            return Nova()

    chat = instead(models=_Flattens)


class ChatParametersLost(Defect):
    """The limit is passed on, the rest is the provider's default."""

    id = "chat-parameters-lost"
    summary = "Nova is asked without temperature and top_p"

    class _Bare(Nova):
        def body(self, ask: Ask) -> dict[str, Any]:
            body = super().body(ask)
            return {**body, "inferenceConfig": {"max_new_tokens": body["inferenceConfig"]["max_new_tokens"]}}

    class _Models(ChatModels):
        def of(self, name: str) -> Family:
            return ChatParametersLost._Bare() if MODELS[name] is Nova else super().of(name)

    chat = instead(models=_Models)


class ChatHistoryDropped(Defect):
    """Only the last message is read."""

    id = "chat-history-dropped"
    summary = "the model does not read the history"

    class _Forgets(ChatValidator):
        def read(self, raw: bytes, user_id: UUID) -> Ask:
            ask = super().read(raw, user_id)
            last: tuple[Message, ...] = ask.messages[-1:]
            return Ask(last, ask.model, ask.estimated_tokens)

    chat = instead(validator=_Forgets)


class ChatLlamaWithoutTemplate(Defect):
    """A prompt is a text."""

    id = "chat-llama-without-template"
    summary = "Llama reads the words without its chat template"

    class _Plain(Llama):
        def prompt(self, ask: Ask) -> str:
            return "\n".join(message.text for message in ask.messages)

    class _Models(ChatModels):
        def of(self, name: str) -> Family:
            return ChatLlamaWithoutTemplate._Plain() if MODELS[name] is Llama else super().of(name)

    chat = instead(models=_Models)


class ChatNoUsageFails(Defect):
    """Who does not say what it used cannot have ended well."""

    id = "chat-no-usage-fails"
    summary = "a whole stream whose provider gave no usage is settled, and told as failed"

    class _Needs(ChatBilling):
        async def complete(self, turn: Turn) -> None:
            await super().complete(turn)
            if turn.usage is None:
                raise UpstreamError(Kind.INVALID, "the provider gave no usage")

    chat = instead(billing=_Needs)
