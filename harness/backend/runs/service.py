"""One run from request to answer: who, whose project, what; then the charge, the provider, the row."""

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
from harness.backend.clock import utc_text
from harness.backend.flights import Flight, Flights, finish
from harness.backend.ids import parse_id
from harness.backend.outcome import Outcome
from harness.backend.projects import Projects
from harness.backend.upstream import Kind, UpstreamError, limited

from .billing import RunBilling
from .errors import ErrorTable, RunError, invalid, no_project, shutting_down
from .generation import Generator
from .journal import RunJournal
from .models import Models
from .request import Ask, RunValidator
from .rows import RunRows
from .run import Run

CLIENT_LEFT = "The client left before the answer."


class RunService:
    """Serves runs.

    Whatever happens, a run that was charged is completed or refunded, and a client that is still there is told which,
    after the ledger is. A run is completed once its row is stored: a client that leaves before, has the provider's
    call cancelled and its credit back.
    """

    def __init__(
        self,
        *,
        call_s: float,
        accounts: Accounts,
        authenticator: Authenticator,
        flights: Flights,
        projects: Projects,
        validator: RunValidator,
        models: Models,
        billing: RunBilling,
        generator: Generator,
        rows: RunRows,
        errors: ErrorTable,
        journal: RunJournal,
    ) -> None:
        self.call_s = call_s
        self.accounts = accounts
        self.authenticator = authenticator
        self.flights = flights
        self.projects = projects
        self.validator = validator
        self.models = models
        self.billing = billing
        self.generator = generator
        self.rows = rows
        self.errors = errors
        self.journal = journal

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request. Raises CancelledError where the client left."""
        try:
            user = await self.caller(request)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
            return self.refused(None, error)
        with self.flights.enter(user.id) as flight:
            try:
                run = await self.admit(request, user)
            except ClientGone as gone:
                raise asyncio.CancelledError from gone
            except Exception as error:  # noqa: BLE001 - the outermost boundary: see refused
                return self.refused(user.id, error)
            return await self.perform(run, flight)

    async def caller(self, request: web.Request) -> User:
        """The user whose token this is. Raises Denied."""
        return await find_caller(request, self.authenticator, self.accounts)

    async def admit(self, request: web.Request, user: User) -> Run:
        """The run that a request asks for, if it may be made. Raises RunError and ClientGone."""
        project_id = await self.project(request.match_info["projectId"], user)
        ask = await self.ask(request)
        return self.run(user, project_id, ask)

    async def project(self, text: str, user: User) -> UUID:
        """The id of a project of this user's."""
        project_id = self.project_id(text)
        if project_id is None:
            raise no_project()
        owner = await self.projects.owner(project_id)
        if owner is None:
            raise no_project()
        if owner != user.id:
            raise self.foreign()
        return project_id

    def project_id(self, text: str) -> UUID | None:
        """A project's id; None for what is none, which the store never sees."""
        return parse_id(text)

    def foreign(self) -> RunError:
        """The refusal of somebody else's project: as if there were none."""
        return no_project()

    async def ask(self, request: web.Request) -> Ask:
        """What a request asks for."""
        try:
            return self.validator.read(await read_body(request))
        except BadBody as wrong:
            raise invalid(str(wrong), status=wrong.status) from None

    def run(self, user: User, project_id: UUID, ask: Ask) -> Run:
        """A new run. Raises RunError where the model is unknown."""
        return Run(uuid4(), user.id, project_id, ask.input, self.models.choose(ask.model), datetime.now(UTC))

    async def perform(self, run: Run, flight: Flight) -> web.Response:
        """Make the run, and answer."""
        try:
            await self.steps(run, flight)
        except asyncio.CancelledError:
            await self.left(run)
            raise
        except InsufficientCredits as short:
            return self.refused(run.user_id, short)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: the client is told, the charge given back
            return await self.failed(run, error)
        return self.answered(run, web.json_response(self.body(run), status=201))

    async def steps(self, run: Run, flight: Flight) -> None:
        """Charge, generate, store."""
        await finish(self.billing.charge(run))
        await self.generate(run, flight)
        await finish(self.rows.write(run))

    async def generate(self, run: Run, flight: Flight) -> None:
        """Ask the provider."""
        async with limited(flight, self.call_s):
            run.output = await self.generator.generate(run.model.mapped, run.input)

    async def left(self, run: Run) -> None:
        """The client left. One that left after the run was completed has paid for it."""
        try:
            if run.outcome is not Outcome.COMPLETED:
                run.outcome, run.output = Outcome.LEFT, ""
                await self.client_left(run)
        finally:
            self.journal.run(run)

    async def client_left(self, run: Run) -> None:
        """Nothing was delivered: nothing is charged."""
        await finish(self.give_back(run, CLIENT_LEFT))

    async def failed(self, run: Run, error: Exception) -> web.Response:
        """Give the charge back, then tell the client."""
        run.outcome, run.output = Outcome.FAILED, ""
        told = self.cut_short(error) or self.errors.failure(error, run.model.asked)
        self.journal.failed(run, error)
        await finish(self.give_back(run, told.message))
        return self.answered(run, self.response(told))

    async def give_back(self, run: Run, why: str) -> None:
        """Undo the charge. Where even that fails the log says so, and the client is told of the first failure."""
        try:
            amount = await self.billing.give_back(run, why)
        except Exception as broken:  # noqa: BLE001 - there is nobody left to raise it to; the log has it
            self.journal.refund_failed(run, broken)
            return
        if amount is not None:
            self.journal.refunded(run, amount)

    def cut_short(self, error: Exception) -> RunError | None:
        """What the client is told where shut-down, and not the provider, ended the run."""
        late = isinstance(error, UpstreamError) and error.kind is Kind.TIMEOUT and error.status is None
        return shutting_down() if late and self.flights.draining else None

    def body(self, run: Run) -> dict[str, Any]:
        """The answer of a completed run."""
        charge = run.charge
        return {
            "run": {
                "id": self.run_id(run),
                "input": run.input,
                "output": run.output,
                "model": self.model_name(run),
                "created_at": self.created_at(run),
            },
            "credits_used": charge.credits if charge else 0,
            "credits_remaining": self.credits_remaining(run),
        }

    def run_id(self, run: Run) -> str:
        """The run's id as clients read it."""
        return str(run.id)

    def model_name(self, run: Run) -> str:
        """The model as it was asked for."""
        return run.model.asked

    def created_at(self, run: Run) -> str:
        """When the run was begun."""
        return utc_text(run.created_at)

    def credits_remaining(self, run: Run) -> int:
        """The balance after the charge."""
        return run.balance

    def refused(self, user_id: UUID | None, error: Exception) -> web.Response:
        """The answer to a request that no run came of."""
        told = self.errors.refusal(error)
        self.journal.refused(user_id, told, error)
        return self.response(told)

    def response(self, told: RunError) -> web.Response:
        """An error as an answer."""
        return web.json_response(self.errors.answer_body(told), status=told.status, headers=dict(told.headers))

    def answered(self, run: Run, response: web.Response) -> web.Response:
        """The run is over, its answer is about to go out."""
        run.http_status = response.status
        self.journal.run(run)
        return response
