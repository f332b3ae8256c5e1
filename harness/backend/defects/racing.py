"""Defects that show only where two things happen at the same moment."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from harness.backend.accounting.ledger import StreamLedger
from harness.backend.accounting.request import EndAsk
from harness.backend.accounting.rows import State, Streaming
from harness.backend.accounts import Accounts, AlreadyEnded, User
from harness.backend.agent.billing import AgentBilling
from harness.backend.chat.billing import ChatBilling
from harness.backend.chat.service import ChatService
from harness.backend.chat.turn import Turn
from harness.backend.flights import Flight, finish
from harness.backend.gateway.billing import Billing
from harness.backend.gateway.call import Call
from harness.backend.gateway.tokens import Tokens
from harness.backend.ids import parse_id
from harness.backend.outcome import Outcome
from harness.backend.runs.run import Run
from harness.backend.runs.service import CLIENT_LEFT, RunService
from harness.backend.store import STREAMING_SESSIONS
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.service import PlanService

from .base import Defect, instead
from .spending import spend

MEANWHILE_S = 0.05
"""What else there is to do between two steps that ought to be one."""


class LeftLateGivenBack(Defect):
    """Whoever sees that the client has left gives the credits back, and does not ask whether the call was over."""

    id = "left-late-given-back"
    summary = "a client that leaves once its call is paid for gets the credits back"

    class _Settled(Billing):
        async def complete(self, call: Call) -> Tokens:
            hold = call.hold
            tokens = await super().complete(call)
            call.hold = hold  # until the answer has gone out
            await asyncio.sleep(MEANWHILE_S)
            return tokens

        async def close(self, call: Call) -> None:
            if call.hold is None or not self.settled(call):
                await super().close(call)
                return
            hold_id, call.hold = call.hold.id, None
            if call.record.outcome is Outcome.LEFT:
                await self.accounts().refund(hold_id)

        def settled(self, call: Call) -> bool:
            """Whether the call has come as far as its settlement."""
            return call.record.phase.value in ("settle", "usage")

        def accounts(self) -> Any:
            return self._accounts

    class _Chats(_Settled, AgentBilling):
        pass

    class _Runs(RunService):
        async def steps(self, run: Run, flight: Flight) -> None:
            await super().steps(run, flight)
            await asyncio.sleep(MEANWHILE_S)

        async def left(self, run: Run) -> None:
            if run.outcome is Outcome.COMPLETED:
                await finish(self.give_back(run, CLIENT_LEFT))
            await super().left(run)

    class _Plans(PlanService):
        async def steps(self, plan: Plan, flight: Flight) -> None:
            await super().steps(plan, flight)
            await asyncio.sleep(MEANWHILE_S)

        async def left(self, plan: Plan) -> None:
            if plan.outcome is Outcome.COMPLETED:
                await finish(self.give_back(plan, CLIENT_LEFT))
            await super().left(plan)

    class _Undoes(Accounts):
        async def undo(self, session_id: UUID | None) -> None:
            """Give back what the stream of a session cost, where it went well."""
            table = STREAMING_SESSIONS.c
            found = select(table.hold_id).where(table.session_id == session_id, table.state == State.FINALIZED.value)
            async with self._store.begin() as tx:
                hold_id = (await tx.execute(found)).scalar_one_or_none()
            if hold_id is not None:
                await self.refund(hold_id)

    class _Finalizes(ChatBilling):
        async def complete(self, turn: Turn) -> None:
            await super().complete(turn)
            await asyncio.sleep(MEANWHILE_S)

    class _Streams(ChatService):
        async def _stream(self, request: web.Request, user: User, flight: Flight) -> web.StreamResponse:
            try:
                return await super()._stream(request, user, flight)
            except asyncio.CancelledError:
                accounts = cast("LeftLateGivenBack._Undoes", self.accounts)
                await finish(accounts.undo(parse_id(request.match_info["sessionId"])))
                raise

    shared = instead(accounts=_Undoes)
    touches = ("chat",)
    gateway = instead(billing=_Settled)
    agent = instead(billing=_Chats)
    chat = instead(billing=_Finalizes, service=_Streams)
    runs = instead(service=_Runs)
    workflow = instead(service=_Plans)


class ChatEndRacy(Defect):
    """It is looked up first whether a stream is open, and what was found then is believed."""

    id = "chat-end-racy"
    summary = "of two who end a stream at the same moment each charges for it"

    class _Believes(StreamLedger):
        async def end(self, stream: Streaming, state: State, ask: EndAsk, price: int) -> Streaming:
            if stream.state is State.OPEN:
                await asyncio.sleep(2 * MEANWHILE_S)
                try:
                    await self.charge(stream, state, ask, price)
                except AlreadyEnded:
                    await spend(self._accounts, stream.user_id, price)
            return await self._rows.last(stream.session_id) or stream

    chat = instead(stream_ledger=_Believes)


class ChatLeftEndsAgain(Defect):
    """Whoever sees that the owner has left ends the stream, and does not ask whether that was done."""

    id = "chat-left-ends-again"
    summary = "a stream whose owner leaves while it is settled is finalized, and then aborted"

    class _Unsure(ChatBilling):
        async def finalize(self, turn: Turn, tokens: int) -> None:
            await super().finalize(turn, tokens)
            turn.held = True  # until the owner has been told

    chat = instead(billing=_Unsure)
