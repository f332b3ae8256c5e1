"""Defects in what a plan costs, in what its client is told, and in what whoever operates the workflow relies on."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from aiohttp import web

from harness.backend.accounts import InsufficientCredits
from harness.backend.flights import Flight
from harness.backend.settings import Settings
from harness.backend.upstream import Kind, UpstreamError
from harness.backend.workflow.answer import KEY
from harness.backend.workflow.billing import PlanBilling
from harness.backend.workflow.errors import ErrorTable, PlanError
from harness.backend.workflow.journal import PlanJournal
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.request import PlanValidator
from harness.backend.workflow.requirements import Requirements
from harness.backend.workflow.service import PlanService

from .base import Defect, instead
from .spending import spend


class WorkflowTimeoutNotRefunded(Defect):
    """The loop ends, and with it nobody remembers that the plan was paid for."""

    id = "workflow-timeout-not-refunded"
    summary = "a plan that was given up for want of an answer is not refunded"

    class _Keeps(PlanService):
        async def failed(self, plan: Plan, error: Exception) -> web.Response:
            if isinstance(error, UpstreamError) and error.kind is Kind.TIMEOUT:
                plan.charge = None
            return await super().failed(plan, error)

    workflow = instead(service=_Keeps)


class WorkflowRefundShort(Defect):
    """A fee is kept for the trouble."""

    id = "workflow-refund-short"
    summary = "a plan that failed is refunded one credit less than it was charged"

    class _Stingy(PlanBilling):
        async def refund(self, plan: Plan, error: str) -> int | None:
            if plan.charge is None:
                return None
            return await self._accounts.refund(plan.charge.hold_id, plan.charge.credits - 1)

    workflow = instead(billing=_Stingy)


class WorkflowClientGoneCharged(Defect):
    """The handler is cancelled, and with it the refund."""

    id = "workflow-client-gone-charged"
    summary = "a client that leaves before its plan is there has paid for it"

    class _Keeps(PlanService):
        async def left(self, plan: Plan) -> None:
            plan.charge = None
            await super().left(plan)

    workflow = instead(service=_Keeps)


class WorkflowPollsCost(Defect):
    """Every poll is a call of the provider's."""

    id = "workflow-polls-cost"
    summary = "a plan costs a credit more for having been waited for"

    class _Charges(PlanService):
        async def generate(self, plan: Plan, flight: Flight) -> None:
            await super().generate(plan, flight)
            if plan.polls > 1:
                with suppress(InsufficientCredits):
                    await spend(self.accounts, plan.user_id, 1)

    workflow = instead(service=_Charges)


class WorkflowProgrammeRenamed(Defect):
    """A shorter name, which no client knows."""

    id = "workflow-programme-renamed"
    summary = "the programme stands under another key"

    class _Renames(PlanService):
        def body(self, plan: Plan) -> dict[str, Any]:
            return {"id": self.plan_id(plan), "program": plan.programme}

    workflow = instead(service=_Renames)


class WorkflowProgrammeCut(Defect):
    """The sessions are on another page."""

    id = "workflow-programme-cut"
    summary = "the programme comes without its sessions"

    class _Cuts(PlanService):
        def body(self, plan: Plan) -> dict[str, Any]:
            programme = {name: value for name, value in (plan.programme or {}).items() if name != "sessions"}
            return {**super().body(plan), KEY: programme}

    workflow = instead(service=_Cuts)


class WorkflowContextObjectOnly(Defect):
    """The first client sent an object."""

    id = "workflow-context-object-only"
    summary = "a plan whose context is a text is refused"

    class _Insists(PlanValidator):
        def anything(self, body: dict[str, Any], field: str) -> Any:
            return self.an_object(body, field)

    workflow = instead(validator=_Insists)


class WorkflowIdIsTheSession(Defect):
    """There is an id already."""

    id = "workflow-id-is-the-session"
    summary = "a plan's id is the provider's session"

    class _Borrows(PlanService):
        def plan_id(self, plan: Plan) -> str:
            return plan.session_id

    workflow = instead(service=_Borrows)


class WorkflowFlattened500(Defect):
    """Whatever the provider did, it was an internal error."""

    id = "workflow-flattened-500"
    summary = "every failure of the provider is told as an internal error"

    class _Flat(ErrorTable):
        def row(self, error: UpstreamError) -> tuple[int, str, str]:
            return 500, "INTERNAL_ERROR", "The plan could not be completed."

    workflow = instead(errors=_Flat)


class WorkflowWordsLost(Defect):
    """The code says it all."""

    id = "workflow-words-lost"
    summary = "why the provider refused a message is not told"

    class _Mute(ErrorTable):
        def words(self, error: UpstreamError) -> str:
            return ""

    workflow = instead(errors=_Mute)


class WorkflowLeaksKey(Defect):
    """The provider quotes the key that it refuses, and is quoted."""

    id = "workflow-leaks-key"
    summary = "the provider's words about the service's key reach the client"

    class _Quotes(ErrorTable):
        def failure(self, error: UpstreamError, *, begun: bool) -> PlanError:
            told = super().failure(error, begun=begun)
            if error.kind is Kind.AUTH and error.words:
                told.message = error.words
            return told

    workflow = instead(errors=_Quotes)


class WorkflowBadJson500(Defect):
    """Nobody thought of a body that is not JSON."""

    id = "workflow-bad-json-500"
    summary = "a body that is not JSON is answered by 500"

    class _Trusts(PlanValidator):
        def decode(self, raw: bytes) -> Any:
            return json.loads(raw)

    workflow = instead(validator=_Trusts)


class WorkflowLogWithoutSession(Defect):
    """The provider's session is an inner matter."""

    id = "workflow-log-without-session"
    summary = "the log does not say which session of the provider's a plan had"

    class _Forgets(PlanJournal):
        def plan(self, plan: Plan) -> None:
            session, plan.session_id = plan.session_id, ""
            super().plan(plan)
            plan.session_id = session

    workflow = instead(journal=_Forgets)


class WorkflowStartsWithoutSettings(Defect):
    """What is missing will show."""

    id = "workflow-starts-without-settings"
    summary = "the workflow starts without its key, or without its workflow"

    class _Hopes(Requirements):
        def check(self, settings: Settings) -> None:
            return

    workflow = instead(requirements=_Hopes)
