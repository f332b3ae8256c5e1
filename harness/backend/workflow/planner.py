"""The three steps to a plan: a session, a message, and polls until an answer is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import TypeVar

from harness.backend.clock import Clock
from harness.backend.upstream import Kind, UpstreamError

from .answer import AnswerReader
from .chatkit import ChatKit
from .journal import PlanJournal
from .plan import Plan

T = TypeVar("T")


class Planner:
    """Makes a plan, asking each thing once but the last. ``interval_s`` is waited between polls, by the clock.

    ``call_s`` is the time limit of each call. Cancelled, it stops where it is: no further call is made.
    """

    polls_max = 60
    progress_every = 10

    def __init__(
        self,
        chatkit: ChatKit,
        reader: AnswerReader,
        clock: Clock,
        journal: PlanJournal,
        *,
        interval_s: float,
        call_s: float,
    ) -> None:
        self.chatkit = chatkit
        self.reader = reader
        self.clock = clock
        self.journal = journal
        self.interval_s = interval_s
        self.call_s = call_s

    @property
    def longest_s(self) -> float:
        """The longest that a plan can take."""
        return (self.polls_max + 2) * (self.call_s + self.interval_s)

    async def make(self, plan: Plan) -> None:
        """Put the programme into the plan. Raises UpstreamError."""
        plan.text = self.text(plan)
        plan.session_id = await self.session(plan)
        await self.send(plan)
        plan.programme = self.reader.programme(await self.answer(plan))

    def text(self, plan: Plan) -> str:
        """What the workflow is told: the request as a JSON document."""
        ask = plan.ask
        return json.dumps(
            {"user_profile": ask.user_profile, "questionnaires": ask.questionnaires, "context": ask.context}
        )

    async def session(self, plan: Plan) -> str:
        """The id of a session of this plan's own."""
        return await self.limited(self.chatkit.create_session(str(plan.user_id)))

    async def send(self, plan: Plan) -> None:
        """Post the message."""
        await self.limited(self.chatkit.send(plan.session_id, plan.text))

    async def answer(self, plan: Plan) -> str:
        """The text of the answer, once there is one."""
        while True:
            found = await self.poll(plan)
            if found is not None:
                return found
            if plan.polls >= self.polls_max:
                raise UpstreamError(Kind.TIMEOUT, f"the provider had no answer in {plan.polls} polls")
            await self.wait(plan)

    async def poll(self, plan: Plan) -> str | None:
        """Ask once whether there is an answer."""
        plan.polls += 1
        messages = await self.limited(self.chatkit.messages(plan.session_id))
        found = self.reader.find(messages)
        if found is None and plan.polls % self.progress_every == 0:
            self.journal.progress(plan)
        return found

    async def wait(self, plan: Plan) -> None:
        """Let the interval pass."""
        await self.clock.sleep(self.interval_s)
        plan.waited_s += self.interval_s

    async def limited(self, call: Awaitable[T]) -> T:
        """One call within its time limit."""
        try:
            async with asyncio.timeout(self.call_s):
                return await call
        except TimeoutError as late:
            raise UpstreamError(Kind.TIMEOUT, "the call took longer than it may") from late
