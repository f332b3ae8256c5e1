"""Defects in what happens to a call that is under way when the service is stopped."""

from __future__ import annotations

import asyncio

from aiohttp import web

from harness.backend.agent.calls import AgentCalls
from harness.backend.chat.errors import ChatError
from harness.backend.chat.streams import Streams
from harness.backend.chat.turn import Turn
from harness.backend.chat.wire import Outlet
from harness.backend.flights import finish
from harness.backend.gateway.call import Call, Record
from harness.backend.gateway.calls import Calls
from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.wire import EventStream
from harness.backend.runs.errors import RunError
from harness.backend.runs.run import Run
from harness.backend.runs.service import RunService
from harness.backend.workflow.errors import PlanError
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.service import PlanService

from .base import Defect, instead


class StopCutsStreams(Defect):
    """Who stops closes what is open."""

    id = "stop-cuts-streams"
    summary = "when the service is stopped, the connections of its streams are cut"

    class _Cuts(Calls):
        async def fail_in_band(self, call: Call, error: Exception, out: EventStream) -> web.StreamResponse:
            if self.cut_short(error) is None:
                return await super().fail_in_band(call, error, out)
            call.record.fail(error)
            await self.end_hold(call)
            out.abort()
            return out.response

    class _AgentCuts(_Cuts, AgentCalls):
        pass

    gateway = instead(calls=_Cuts)
    agent = instead(calls=_AgentCuts)


class AgentStopEndsSilently(Defect):
    """What was said was said; the rest is missing."""

    id = "agent-stop-ends-silently"
    summary = "when the service is stopped, a stream ends as if it were whole"

    class _Ends(AgentCalls):
        async def fail_in_band(self, call: Call, error: Exception, out: EventStream) -> web.StreamResponse:
            if self.cut_short(error) is None:
                return await super().fail_in_band(call, error, out)
            call.record.fail(error)
            await self.end_hold(call)
            await self.terminals.within_limit(out, self.terminals.done(out))
            return out.response

    agent = instead(calls=_Ends)


class StopCutsCalls(Defect):
    """There is no time left to answer."""

    id = "stop-cuts-calls"
    summary = "when the service is stopped, calls that wait for a provider are not answered"

    class _Cuts(Calls):
        def refused(self, record: Record, error: Exception) -> web.Response:
            if self.cut_short(error) is None:
                return super().refused(record, error)
            record.fail(error)
            raise asyncio.CancelledError

    class _AgentCuts(_Cuts, AgentCalls):
        pass

    gateway = instead(calls=_Cuts)
    agent = instead(calls=_AgentCuts)


class ChatStopCutsObservers(Defect):
    """Who only looks on loses nothing."""

    id = "chat-stop-cuts-observers"
    summary = "when the service is stopped, those who look on at a stream are cut off before its error event"

    class _Cuts(Streams):
        async def failed(self, turn: Turn, error: Exception, out: Outlet) -> web.StreamResponse:
            if self.cut_short(error) is not None:
                turn.broadcast.close()
            return await super().failed(turn, error, out)

    chat = instead(streams=_Cuts)


class RunsStopCutsCalls(Defect):
    """There is no time left to answer."""

    id = "runs-stop-cuts-calls"
    summary = "when the service is stopped, a run that waits for the provider is not answered"

    class _Cuts(RunService):
        async def failed(self, run: Run, error: Exception) -> web.Response:
            told = self.cut_short(error)
            if told is None:
                return await super().failed(run, error)
            await finish(self.give_back(run, told.message))
            raise asyncio.CancelledError

    runs = instead(service=_Cuts)


class WorkflowStopCutsCalls(Defect):
    """There is no time left to answer."""

    id = "workflow-stop-cuts-calls"
    summary = "when the service is stopped, a plan that waits for the provider is not answered"

    class _Cuts(PlanService):
        async def failed(self, plan: Plan, error: Exception) -> web.Response:
            told = self.cut_short(error)
            if told is None:
                return await super().failed(plan, error)
            await finish(self.give_back(plan, told.message))
            raise asyncio.CancelledError

    workflow = instead(service=_Cuts)


class RunsStopNotRefunded(Defect):
    """The credit was for the try."""

    id = "runs-stop-not-refunded"
    summary = "a run that broke off because the service was stopped is not refunded"

    class _Keeps(RunService):
        async def failed(self, run: Run, error: Exception) -> web.Response:
            if self.cut_short(error) is not None:
                run.charge = None
            return await super().failed(run, error)

    runs = instead(service=_Keeps)


class StopBlamedOnProvider(Defect):
    """It was a time limit that ended the call, and those are the provider's."""

    id = "stop-blamed-on-provider"
    summary = "a call that broke off because the service was stopped is told that its provider was too slow"

    class _Blames(Calls):
        def cut_short(self, error: Exception) -> GatewayError | None:
            return None

    class _AgentBlames(_Blames, AgentCalls):
        pass

    gateway = instead(calls=_Blames)
    agent = instead(calls=_AgentBlames)


class ChatStopBlamedOnProvider(Defect):
    """It was a time limit that ended the stream, and those are the provider's."""

    id = "chat-stop-blamed-on-provider"
    summary = "a stream of chat that broke off because the service was stopped is told that Bedrock was too slow"

    class _Blames(Streams):
        def cut_short(self, error: Exception) -> ChatError | None:
            return None

    chat = instead(streams=_Blames)


class RunsStopBlamedOnProvider(Defect):
    """It was a time limit that ended the run, and those are the provider's."""

    id = "runs-stop-blamed-on-provider"
    summary = "a run that broke off because the service was stopped is told that the provider cannot be reached"

    class _Blames(RunService):
        def cut_short(self, error: Exception) -> RunError | None:
            return None

    runs = instead(service=_Blames)


class WorkflowStopBlamedOnProvider(Defect):
    """It was a time limit that ended the plan, and those are the provider's."""

    id = "workflow-stop-blamed-on-provider"
    summary = "a plan that broke off because the service was stopped is told that the provider was too slow"

    class _Blames(PlanService):
        def cut_short(self, error: Exception) -> PlanError | None:
            return None

    workflow = instead(service=_Blames)
