"""Defects in naming things."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from aiohttp import web
from sqlalchemy import Row

from harness.backend.agent.front import AgentFront
from harness.backend.gateway.call import Call
from harness.backend.gateway.front import Front
from harness.backend.gateway.wire import Wire
from harness.backend.runs.run import Run
from harness.backend.runs.service import RunService
from harness.backend.statements import Statements
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.service import PlanService

from .base import Defect, instead, over

ALWAYS = str(uuid4())
"""An id that is made when the service starts."""


class MixedIds(Defect):
    """Each piece of an answer gets an id of its own."""

    id = "mixed-ids"
    summary = "every chunk of a stream has a fresh id"

    class _Names(Wire):
        def completion_id(self, call: Call) -> str:
            return f"chatcmpl-{uuid4().hex}"

    gateway = instead(wire=_Names)
    agent = instead(wire=_Names)


class CallIdReused(Defect):
    """The id is made once, at start-up."""

    id = "call-id-reused"
    summary = "all answers have the same id"

    class _Names(Wire):
        def completion_id(self, call: Call) -> str:
            return "chatcmpl-0"

    class _NamesRuns(RunService):
        def run_id(self, run: Run) -> str:
            return ALWAYS

    class _NamesPlans(PlanService):
        def plan_id(self, plan: Plan) -> str:
            return ALWAYS

    gateway = instead(wire=_Names)
    agent = instead(wire=_Names)
    runs = instead(service=_NamesRuns)
    workflow = instead(service=_NamesPlans)


class AnswerIdMadeAnew(Defect):
    """Whoever words the answer makes an id for it."""

    id = "answer-id-made-anew"
    summary = "a run or plan is stored under another id than its client reads"

    class _Runs(RunService):
        def run_id(self, run: Run) -> str:
            return str(uuid4())

    class _Plans(PlanService):
        def plan_id(self, plan: Plan) -> str:
            return str(uuid4())

    runs = instead(service=_Runs)
    workflow = instead(service=_Plans)


class RequestIdNotUuid(Defect):
    """An id of the house's own making."""

    id = "request-id-not-uuid"
    summary = "x-request-id is not a UUID"

    class _Names(Front):
        def request_id(self, request: web.Request) -> str:
            return f"req_{uuid4().hex}"

    gateway = instead(front=_Names)
    agent = instead(front=over(_Names, AgentFront))


class LedgerIdsCounted(Defect):
    """The row's number is its id."""

    id = "ledger-ids-counted"
    summary = "ledger entries and usage rows are numbered, not named by UUIDs"

    class _Counts(Statements):
        def row_id(self, row: Row[Any]) -> str:
            return super().row_id(row) if getattr(row, "kind", None) == "hold" else str(row.number)

    shared = instead(statements=_Counts)
