"""Defects in making UUIDs."""

from __future__ import annotations

from uuid import UUID

from harness.backend.accounts import User
from harness.backend.agent.ids import SessionIds
from harness.backend.chat.sessions import ChatSessions
from harness.backend.runs.request import Ask as RunAsk
from harness.backend.runs.run import Run
from harness.backend.runs.service import RunService
from harness.backend.workflow.plan import Ask as PlanAsk
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.service import PlanService

from .base import Defect, instead


def versionless(value: UUID) -> UUID:
    """The same with 0 for its version, of which RFC 9562 (4.2) says that it is unused."""
    return UUID(int=value.int & ~(0xF << 76))


class IdsWithoutVersion(Defect):
    """Random bits are laid out as a UUID by hand; the variant was thought of, the version was not."""

    id = "ids-without-version"
    summary = "the ids of runs, plans and sessions have 0 for their version"

    class _Runs(RunService):
        def run(self, user: User, project_id: UUID, ask: RunAsk) -> Run:
            run = super().run(user, project_id, ask)
            run.id = versionless(run.id)
            return run

    class _Plans(PlanService):
        def plan(self, user: User, ask: PlanAsk) -> Plan:
            plan = super().plan(user, ask)
            plan.id = versionless(plan.id)
            return plan

    class _Chats(ChatSessions):
        def new_id(self) -> UUID:
            return versionless(super().new_id())

    class _Agents(SessionIds):
        def new(self) -> UUID:
            return versionless(super().new())

    runs = instead(service=_Runs)
    workflow = instead(service=_Plans)
    chat = instead(sessions=_Chats)
    agent = instead(ids=_Agents)
