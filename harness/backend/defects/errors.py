"""Defects in telling a client what went wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from aiohttp import web

from harness.backend.agent.errors import AgentErrors
from harness.backend.agent.request import AgentValidator
from harness.backend.chat.bedrock import Bedrock
from harness.backend.chat.errors import ChatError, ChatErrors
from harness.backend.chat.request import ChatValidator
from harness.backend.chat.service import ChatService
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Turn
from harness.backend.chat.wire import Outlet
from harness.backend.flights import Flight
from harness.backend.gateway.call import Call
from harness.backend.gateway.calls import Calls
from harness.backend.gateway.errors import ErrorMapper, GatewayError
from harness.backend.gateway.request import Validator
from harness.backend.providers import Provider
from harness.backend.runs.errors import ErrorTable as RunErrors
from harness.backend.runs.errors import RunError
from harness.backend.upstream import Kind, Upstream, UpstreamError
from harness.backend.workflow.errors import ErrorTable as PlanErrors
from harness.backend.workflow.errors import PlanError
from harness.backend.workflow.service import PlanService

from .base import Defect, instead, over


class Flattened500(Defect):
    """Whatever the provider did, it is our internal error."""

    id = "flattened-500"
    summary = "every provider failure becomes the same 500"

    class _Mapper(ErrorMapper):
        def answer(self, error: BaseException) -> GatewayError:
            told = super().answer(error)
            if not isinstance(error, UpstreamError):
                return told
            return GatewayError(500, "internal_error", told.message, type="server_error", headers=told.headers)

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))


class InBandCodeGeneric(Defect):
    """The status is spent, and the code says nothing."""

    id = "in-band-code-generic"
    summary = "every error event has the same code"

    class _Mapper(ErrorMapper):
        def in_band(self, error: BaseException) -> GatewayError:
            told = super().in_band(error)
            return GatewayError(told.status, "stream_error", told.message, type="server_error")

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))


class LeaksProviderWords(Defect):
    """What the provider says about our key is passed on."""

    id = "leaks-provider-words"
    summary = "the provider's words about the gateway's key reach the client"

    class _Mapper(ErrorMapper):
        def auth_message(self, error: UpstreamError) -> str:
            return error.words or super().auth_message(error)

    class _Chat(ChatErrors):
        def words(self, error: UpstreamError) -> str:
            return error.words if error.kind is Kind.AUTH and error.words else super().words(error)

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))
    chat = instead(errors=_Chat)


class BadRequestMessageLost(Defect):
    """The provider knew what was wrong; nobody else will."""

    id = "bad-request-message-lost"
    summary = "a 400 of the provider's loses its message"

    class _Mapper(ErrorMapper):
        def refused_message(self, error: UpstreamError) -> str:
            return "Bad request."

    class _Chat(ChatErrors):
        def words(self, error: UpstreamError) -> str:
            return "Bad request." if error.kind is Kind.REFUSED else super().words(error)

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))
    chat = instead(errors=_Chat)


class RetryAfterDropped(Defect):
    """How long to wait is not passed on."""

    id = "retry-after-dropped"
    summary = "a 429 loses the provider's retry-after"

    class _Mapper(ErrorMapper):
        def headers(self, error: UpstreamError) -> dict[str, str]:
            return {}

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))


class RetryAfterSecondsOnly(Defect):
    """What is no number is taken for none."""

    id = "retry-after-seconds-only"
    summary = "a 429 loses the provider's retry-after where it is a date"

    class _Mapper(ErrorMapper):
        def headers(self, error: UpstreamError) -> dict[str, str]:
            return super().headers(error) if (error.retry_after or "").isdigit() else {}

    gateway = instead(errors=_Mapper)


class WorkflowRetryAfterDropped(Defect):
    """How long to wait is not passed on."""

    id = "workflow-retry-after-dropped"
    summary = "a plan that is refused with 429 loses the provider's retry-after"

    class _Table(PlanErrors):
        def failure(self, error: UpstreamError, *, begun: bool) -> PlanError:
            return replace(super().failure(error, begun=begun), headers={})

    workflow = instead(errors=_Table)


class ErrorShapeBare(Defect):
    """An error object with half of its fields."""

    id = "error-shape-bare"
    summary = "an error answer lacks type and param"

    class _Mapper(ErrorMapper):
        def answer_body(self, error: GatewayError) -> Any:
            return {"error": {"message": error.message, "code": error.code}}

    class _Chat(ChatService):
        def response(self, told: ChatError) -> web.Response:
            if told.status != 400:
                return super().response(told)
            return web.json_response({"errorCode": told.code, "error": told.why or told.message}, status=400)

    class _Runs(RunErrors):
        def answer_body(self, error: RunError) -> Any:
            return {"error": error.body()} if error.status == 400 else super().answer_body(error)

    class _Plans(PlanService):
        def response(self, told: PlanError) -> web.Response:
            body = {"error": {"message": told.message, "code": told.code}}
            return web.json_response(body, status=told.status, headers=dict(told.headers))

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))
    chat = instead(service=_Chat)
    runs = instead(errors=_Runs)
    workflow = instead(service=_Plans)


class BadInputUnnamed(Defect):
    """The refusal of a field does not say which."""

    id = "bad-input-unnamed"
    summary = "the refusal of a bad field does not name the field"

    class _Mapper(ErrorMapper):
        def answer(self, error: BaseException) -> GatewayError:
            told = super().answer(error)
            if not isinstance(error, GatewayError) or told.code != "invalid_request_error":
                return told
            return GatewayError(told.status, told.code, "The request is invalid.")

    class _Chat(ChatErrors):
        def told(self, error: Exception, model: str = "") -> ChatError:
            told = super().told(error, model)
            return replace(told, why="The request is invalid.") if told.code == "INVALID_REQUEST" else told

    class _Runs(RunErrors):
        def refusal(self, error: Exception) -> RunError:
            told = super().refusal(error)
            model = told.message.startswith("Invalid model name")
            return replace(told, message="The request is invalid.") if told.status == 400 and not model else told

    class _Plans(PlanErrors):
        def told(self, error: Exception, *, begun: bool = True) -> PlanError:
            told = super().told(error, begun=begun)
            unnamed = told.code == "INVALID_REQUEST"
            return replace(told, message="The request is invalid.", param=None) if unnamed else told

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))
    chat = instead(errors=_Chat)
    runs = instead(errors=_Runs)
    workflow = instead(errors=_Plans)


class BadJson500(Defect):
    """Nobody thought of a body that is not JSON."""

    id = "bad-json-500"
    summary = "a body that is not JSON is answered by 500"

    class _Trusts(Validator):
        def decode(self, raw: bytes) -> Any:
            return json.loads(raw)

    class _TrustsChat(ChatValidator):
        def decode(self, raw: bytes) -> Any:
            return json.loads(raw)

    gateway = instead(validator=_Trusts)
    agent = instead(validator=over(_Trusts, AgentValidator))
    chat = instead(validator=_TrustsChat)


class DropsRequest(Defect):
    """The call was made and charged, and the caller never hears of it."""

    id = "drops-request"
    summary = "the connection is closed without an answer where the provider gave no sane usage, or a stream no words"

    class _Drops(Calls):
        async def plain(self, call: Call, flight: Flight) -> web.Response:
            response = await super().plain(call, flight)
            if self.journal.estimated(call):
                raise asyncio.CancelledError
            return response

    class _DropsStreams(Streams):
        async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
            response = await super().failed(turn, error, out)
            if isinstance(error, UpstreamError) and error.kind is Kind.INVALID and not out.opened:
                raise asyncio.CancelledError
            return response

    gateway = instead(calls=_Drops)
    chat = instead(streams=_DropsStreams)


class RetriesProvider(Defect):
    """A failing provider gets three times the load."""

    id = "retries-provider"
    summary = "a failed call of the provider is made three times"

    class _Retries(Upstream):
        tries = 3

        async def complete(self, provider: Provider, body: Mapping[str, Any]) -> dict[str, Any]:
            for _ in range(1, self.tries):
                with suppress(UpstreamError):
                    return await super().complete(provider, body)
            return await super().complete(provider, body)

        @asynccontextmanager
        async def stream(
            self, provider: Provider, body: Mapping[str, Any]
        ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
            async with AsyncExitStack() as opened:
                for _ in range(1, self.tries):
                    with suppress(UpstreamError):
                        chunks = await opened.enter_async_context(super().stream(provider, body))
                        break
                else:
                    chunks = await opened.enter_async_context(super().stream(provider, body))
                yield chunks

    class _Bedrock(Bedrock):
        async def _open(self, model: str, body: Mapping[str, Any]) -> Any:
            for _ in range(1, RetriesProvider._Retries.tries):
                with suppress(UpstreamError):
                    return await super()._open(model, body)
            return await super()._open(model, body)

    shared = instead(upstream=_Retries)
    chat = instead(bedrock=_Bedrock)
