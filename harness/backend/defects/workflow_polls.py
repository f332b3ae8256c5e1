"""Defects in how a plan's answer is waited for, and in what is taken for one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from harness.backend.workflow.answer import KEY, AnswerReader
from harness.backend.workflow.journal import PlanJournal
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.planner import Planner

from .base import Defect, instead


class WorkflowPolls61(Defect):
    """Counted from zero, and up to the limit."""

    id = "workflow-polls-61"
    summary = "the provider is polled 61 times before it counts as silent"

    class _Counts(Planner):
        polls_max = 61

    workflow = instead(planner=_Counts)


class WorkflowGivesUpEarly(Defect):
    """Counted from one, and up to below the limit."""

    id = "workflow-gives-up-early"
    summary = "a plan is given up after 59 polls"

    class _Counts(Planner):
        polls_max = 59

    workflow = instead(planner=_Counts)


class WorkflowWaitsFirst(Defect):
    """It cannot be there yet."""

    id = "workflow-waits-first"
    summary = "the interval is waited before the first poll too"

    class _Waits(Planner):
        async def answer(self, plan: Plan) -> str:
            await self.wait(plan)
            return await super().answer(plan)

    workflow = instead(planner=_Waits)


class WorkflowPollsWithoutPause(Defect):
    """Sixty polls, as fast as they go."""

    id = "workflow-polls-without-pause"
    summary = "nothing is waited between two polls"

    class _Hurries(Planner):
        async def wait(self, plan: Plan) -> None:
            await asyncio.sleep(0)

    workflow = instead(planner=_Hurries)


class WorkflowPollsOnceMore(Defect):
    """Looks again whether that was all."""

    id = "workflow-polls-once-more"
    summary = "the provider is polled once more after its answer"

    class _Doubts(Planner):
        async def answer(self, plan: Plan) -> str:
            found = await super().answer(plan)
            await self.wait(plan)
            return await self.poll(plan) or found

    workflow = instead(planner=_Doubts)


class WorkflowPollsAfterClientLeft(Defect):
    """The polls are a task that nobody stops."""

    id = "workflow-polls-after-client-left"
    summary = "polling goes on after the client has left"

    class _RunsOn(Planner):
        async def make(self, plan: Plan) -> None:
            await asyncio.shield(asyncio.create_task(super().make(plan)))

    workflow = instead(planner=_RunsOn)


class WorkflowProgressUntold(Defect):
    """Two minutes without a word."""

    id = "workflow-progress-untold"
    summary = "the log does not say that a plan is still waited for"

    class _Silent(PlanJournal):
        def progress(self, plan: Plan) -> None:
            return

    workflow = instead(journal=_Silent)


class WorkflowUserMessageTaken(Defect):
    """The newest text in the session must be the answer."""

    id = "workflow-user-message-taken"
    summary = "the user's own message is taken for the answer"

    class _Trusts(AnswerReader):
        def speaks(self, message: Mapping[str, Any]) -> bool:
            return True

        def holds_answer(self, block: Mapping[str, Any]) -> bool:
            return super().holds_answer(block) or block.get("type") == "input_text"

    workflow = instead(reader=_Trusts)


class WorkflowAnyBlockTaken(Defect):
    """A block with a text in it is a text."""

    id = "workflow-any-block-taken"
    summary = "a block that tells of progress is taken for the answer"

    class _Trusts(AnswerReader):
        def holds_answer(self, block: Mapping[str, Any]) -> bool:
            return True

    workflow = instead(reader=_Trusts)


class WorkflowTextBlocksIgnored(Defect):
    """The type that was seen on the day it was written."""

    id = "workflow-text-blocks-ignored"
    summary = "an answer in a block of type text is not found"

    class _Narrow(AnswerReader):
        def holds_answer(self, block: Mapping[str, Any]) -> bool:
            return block.get("type") == "output_text"

    workflow = instead(reader=_Narrow)


class WorkflowOtherKeyTaken(Defect):
    """Whatever the key, there is a programme in it."""

    id = "workflow-other-key-taken"
    summary = "an answer without the key is taken all the same"

    class _Guesses(AnswerReader):
        def pick(self, document: Any) -> Any:
            if isinstance(document, dict) and KEY not in document:
                return next(iter(document.values()), None)
            return super().pick(document)

    workflow = instead(reader=_Guesses)
