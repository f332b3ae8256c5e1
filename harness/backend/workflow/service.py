"""One plan from request to answer: who, what; then the charge, the provider's three steps, the row."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from harness.backend.accounts import Accounts, InsufficientCredits, User
from harness.backend.auth import Authenticator
from harness.backend.bodies import BadBody, ClientGone, read_body
from harness.backend.callers import find_caller
from harness.backend.flights import Flight, Flights, finish
from harness.backend.outcome import Outcome
from harness.backend.upstream import Kind, UpstreamError, limited

from .answer import KEY
from .billing import PlanBilling
from .errors import ErrorTable, PlanError, invalid, shutting_down
from .journal import PlanJournal
from .plan import Ask, Plan
from .planner import Planner
from .request import PlanValidator
from .rows import PlanRows

CLIENT_LEFT = "The client left before the answer."


class PlanService:
    """Serves plans.

    Whatever happens, a plan that was charged is completed or refunded, and a client that is still there is told which,
    after the ledger is. A plan is completed once its row is stored: a client that leaves before has the provider
    asked no more, and its credits back.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        authenticator: Authenticator,
        flights: Flights,
        validator: PlanValidator,
        billing: PlanBilling,
        planner: Planner,
        rows: PlanRows,
        errors: ErrorTable,
        journal: PlanJournal,
    ) -> None:
        self.accounts = accounts
        self.authenticator = authenticator
        self.flights = flights
        self.validator = validator
        self.billing = billing
        self.planner = planner
        self.rows = rows
        self.errors = errors
        self.journal = journal

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request. Raises CancelledError where the client left."""
        try:
            user = await find_caller(request, self.authenticator, self.accounts)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
            return self.refused(None, error)
        with self.flights.enter(user.id) as flight:
            try:
                ask = await self.ask(request)
            except ClientGone as gone:
                raise asyncio.CancelledError from gone
            except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
                return self.refused(user.id, error)
            return await self.perform(self.plan(user, ask), flight)

    async def ask(self, request: web.Request) -> Ask:
        """What a request asks for. Raises PlanError and ClientGone."""
        try:
            return self.validator.read(await read_body(request))
        except BadBody as wrong:
            raise invalid(str(wrong), status=wrong.status) from None

    def plan(self, user: User, ask: Ask) -> Plan:
        """A new plan."""
        return Plan(uuid4(), user.id, ask, datetime.now(UTC))

    async def perform(self, plan: Plan, flight: Flight) -> web.Response:
        """Make the plan, and answer."""
        try:
            await self.steps(plan, flight)
        except asyncio.CancelledError:
            await self.left(plan)
            raise
        except InsufficientCredits as short:
            return self.refused(plan.user_id, short)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: the client is told, the charge given back
            return await self.failed(plan, error)
        return self.answered(plan, web.json_response(self.body(plan), status=201))

    async def steps(self, plan: Plan, flight: Flight) -> None:
        """Charge, generate, store."""
        await finish(self.billing.charge(plan))
        await self.generate(plan, flight)
        await finish(self.rows.write(plan))

    async def generate(self, plan: Plan, flight: Flight) -> None:
        """Ask the provider, and ask again."""
        async with limited(flight, self.planner.longest_s):
            await self.planner.make(plan)

    async def left(self, plan: Plan) -> None:
        """The client left. One that left after the plan was completed has paid for it."""
        try:
            if plan.outcome is not Outcome.COMPLETED:
                plan.outcome = Outcome.LEFT
                await finish(self.give_back(plan, CLIENT_LEFT))
        finally:
            self.journal.plan(plan)

    async def failed(self, plan: Plan, error: Exception) -> web.Response:
        """Give the charge back, then tell the client."""
        plan.outcome = Outcome.FAILED
        told = self.cut_short(error) or self.errors.told(error, begun=bool(plan.session_id))
        self.journal.failed(plan, error)
        await finish(self.give_back(plan, told.message))
        return self.answered(plan, self.response(told))

    async def give_back(self, plan: Plan, why: str) -> None:
        """Undo the charge. Where even that fails the log says so, and the client is told of the first failure."""
        try:
            amount = await self.billing.give_back(plan, why)
        except Exception as broken:  # noqa: BLE001 - there is nobody left to raise it to; the log has it
            self.journal.refund_failed(plan, broken)
            return
        if amount is not None:
            self.journal.refunded(plan, amount)

    def cut_short(self, error: Exception) -> PlanError | None:
        """What the client is told where shut-down, and not the provider, ended the plan."""
        late = isinstance(error, UpstreamError) and error.kind is Kind.TIMEOUT and error.status is None
        return shutting_down() if late and self.flights.draining else None

    def body(self, plan: Plan) -> dict[str, Any]:
        """The answer of a completed plan."""
        return {"id": self.plan_id(plan), KEY: plan.programme}

    def plan_id(self, plan: Plan) -> str:
        """The plan's id as clients read it."""
        return str(plan.id)

    def refused(self, user_id: UUID | None, error: Exception) -> web.Response:
        """The answer to a request that no plan came of."""
        told = self.errors.told(error)
        self.journal.refused(user_id, told, error)
        return self.response(told)

    def response(self, told: PlanError) -> web.Response:
        """An error as an answer."""
        return web.json_response(told.body(), status=told.status, headers=dict(told.headers))

    def answered(self, plan: Plan, response: web.Response) -> web.Response:
        """The plan is over, its answer is about to go out."""
        plan.http_status = response.status
        self.journal.plan(plan)
        return response
