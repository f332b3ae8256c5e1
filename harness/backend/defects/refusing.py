"""Defects in refusing a call: what it costs, and who hears of it."""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web

from harness.backend.accounts import InsufficientCredits, User
from harness.backend.agent.calls import AgentCalls
from harness.backend.chat.errors import ChatError
from harness.backend.chat.service import ChatService
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Turn
from harness.backend.chat.wire import Outlet
from harness.backend.flights import Flight
from harness.backend.gateway.call import Call, Phase, Record
from harness.backend.gateway.calls import Calls
from harness.backend.upstream import UpstreamError
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.service import PlanService

from .base import Defect, instead, over
from .spending import spend


class ChargesBeforeValidation(Defect):
    """A credit is taken first, and the request read afterwards."""

    id = "charges-before-validation"
    summary = "a request that is refused for what it asks costs a credit"

    class _Charges(Calls):
        async def serve(self, request: web.Request, record: Record, user: User, flight: Flight) -> web.StreamResponse:
            response = await super().serve(request, record, user, flight)
            if record.failed_in is Phase.LOOKUP and response.status in (400, 413):
                await spend(self.accounts, user.id, 1)
            return response

    class _ChargesStreams(ChatService):
        async def _stream(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
            try:
                return await super()._stream(request, user, flight)
            except ChatError as told:
                if told.status in (400, 413):
                    await spend(self.accounts, user.id, 1)
                raise

    gateway = instead(calls=_Charges)
    agent = instead(calls=over(_Charges, AgentCalls))
    chat = instead(service=_ChargesStreams)


class OverspendCallsProvider(Defect):
    """The balance is looked at when the answer is there."""

    id = "overspend-calls-provider"
    summary = "a call that is refused for lack of credit reaches the provider first"

    class _Calls402(Calls):
        async def hold(self, call: Call) -> None:
            try:
                await super().hold(call)
            except InsufficientCredits:
                with suppress(UpstreamError):
                    await self.upstream.complete(call.model.provider, call.ask.body)
                raise

    class _Streams402(Streams):
        async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
            if self.errors.told(error).status == 402:
                family = self.models.of(turn.ask.model)
                body = family.body(turn.ask)
                with suppress(UpstreamError):
                    async with self.bedrock.stream(turn.ask.model, body, family) as pieces:
                        _ = [piece async for piece in pieces]
            return await super().failed(turn, error, out)

    class _Plans402(PlanService):
        async def steps(self, plan: Plan, flight: Flight) -> None:
            try:
                await super().steps(plan, flight)
            except InsufficientCredits:
                with suppress(UpstreamError):
                    await self.generate(plan, flight)
                raise

    gateway = instead(calls=_Calls402)
    agent = instead(calls=over(_Calls402, AgentCalls))
    chat = instead(streams=_Streams402)
    workflow = instead(service=_Plans402)
