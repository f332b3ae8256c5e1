"""The stage of one case: what a scenario may use to drive a target, and where the evidence goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import aiohttp

from harness.cassettes.recorder import Recorder
from harness.cassettes.tap import open_session
from harness.core.case import Case, tie_text
from harness.core.errors import StageError
from harness.core.fault import Fault
from harness.core.names import Capability, Provider, System
from harness.core.pricing import Tariff, tariff
from harness.core.profile import Model, dearest
from harness.core.race import RACE
from harness.core.user import User
from harness.endpoints.accounting import AccountingClient
from harness.endpoints.agent import AgentClient
from harness.endpoints.chat import ChatClient
from harness.endpoints.gateway import GatewayClient
from harness.endpoints.http import SMALL_BYTES, small_socket
from harness.endpoints.lastbyte import Entrant, Heat, Held, holding, racing
from harness.endpoints.runs import RunsClient
from harness.endpoints.workflow import WorkflowClient
from harness.servers.gate import Gate
from harness.servers.script import Script
from harness.servers.service import ServiceScript
from harness.servers.simulator import Simulator
from harness.systems import accounting, agent

from .host import Host

GENEROUS_CREDITS = 1_000_000
CLIENT_LIMIT_S = 30.0
SETTLE_LIMIT_S = 6.0
PROVIDER_LIMIT_S = 2.0
BUSY_LIMIT_S = 15.0
"""How long what is certain to come may take on a machine that has too much to do."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text with its tag in it, and the tag."""

    text: str
    tie: str


class Stage:
    """One case while it runs. Use as an async context manager; nothing of it outlives the case."""

    def __init__(
        self, case: Case, *, seed: int, target: Host, simulator: Simulator, recorder: Recorder, script: Script
    ) -> None:
        self.case = case
        self.target = target
        self.script = script
        self.recorder = recorder
        self.service = ServiceScript(recorder)
        self._simulator = simulator
        self._token = case.token(seed)
        self._prompts = 0
        self._twin: Host | None = None
        self._session: aiohttp.ClientSession | None = None
        self._slow: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the tapped session and put the fault's script into the simulator."""
        self._session = open_session(self.recorder, timeout=aiohttp.ClientTimeout(total=CLIENT_LIMIT_S))
        self._simulator.script(self._token, self.script)
        return self

    async def __aexit__(self, *_failure: object) -> None:
        """Close the session, see the provider's exchanges end, and let go of what is held all the same."""
        for session in (self._session, self._slow):
            if session is not None:
                await session.close()
        await self._in_time(self.script.idle(), PROVIDER_LIMIT_S)
        for gate in self.script.gates.values():
            gate.open()
        for gate in self.service.gates.values():
            gate.open()
        self._simulator.forget(self._token)
        self._simulator.disown(self.script)
        for service in self.target.services.values():
            service.disown(self.service)

    @property
    def system(self) -> System:
        """The system that the case is about."""
        return System(self.case.system)

    @property
    def provider(self) -> Provider:
        """The provider that the case is about."""
        return Provider(self.case.provider)

    # -- who calls, and what

    async def user(
        self,
        *,
        credits: int = GENEROUS_CREDITS,
        tier: str = "pro",
        role: str = "user",
    ) -> User:
        """A user of this case's own, whose provider traffic is this case's too where no prompt says so."""
        user = await self.target.user(credits=credits, tier=tier, role=role)
        if user.id is not None:
            self._simulator.claim(user.id, self.script)
            for host in filter(None, (self.target, self._twin)):
                for service in host.services.values():
                    service.claim(user.id, self.service)
        return user

    def chat(self, token: str | None) -> ChatClient:
        """Chat as called by the bearer of a token, or by nobody."""
        return ChatClient(self._open_session(), self.target.url(System.CHAT), token)

    def slow_chat(self, token: str | None) -> ChatClient:
        """The same by a client that takes little of an answer before it is read."""
        return ChatClient(self._open_slow(), self.target.url(System.CHAT), token)

    def accounting(self, token: str | None, *, gated: bool = False) -> AccountingClient:
        """Chat's accounting as called by the bearer of a token: without anything between, or past the gates of chat's.

        Raises:
            StageError: nobody knows where it is.
        """
        url = self.target.services[accounting.NAME].url if gated else self.accounting_url
        return AccountingClient(self._open_session(), url, token)

    @property
    def accounting_url(self) -> str:
        """Where chat's accounting is. Raises StageError where nobody knows."""
        service = self.target.services.get(accounting.NAME)
        if service is None or not service.target_url:
            raise StageError(
                "the address of the accounting service is not known",
                where=f"target '{self.case.target}'",
                fix=f"Say where it is: [systems.chat.services] {accounting.NAME} = URL.",
            )
        return service.target_url

    def gateway(self, token: str | None) -> GatewayClient:
        """The gateway as called by the bearer of a token, or by nobody; the agent's like face in the agent's cases."""
        return GatewayClient(self._open_session(), self.target.url(self._face), token)

    def slow_gateway(self, token: str | None) -> GatewayClient:
        """The same by a client that takes little of an answer before it is read."""
        return GatewayClient(self._open_slow(), self.target.url(self._face), token)

    @property
    def _face(self) -> System:
        """Which of the systems with the gateway's face is called."""
        return System.AGENT if self.system is System.AGENT else System.GATEWAY

    def agent(self, token: str | None) -> AgentClient:
        """The agent as called by the bearer of a token, or by nobody."""
        return AgentClient(self._open_session(), self.target.url(System.AGENT), token)

    def runs(self, token: str | None) -> RunsClient:
        """Project runs as called by the bearer of a token, or by nobody."""
        return RunsClient(self._open_session(), self.target.url(System.RUNS), token)

    def workflow(self, token: str | None) -> WorkflowClient:
        """Training plans as asked for by the bearer of a token, or by nobody."""
        return WorkflowClient(self._open_session(), self.target.url(System.WORKFLOW), token)

    async def project(self, user: User) -> str:
        """The id of a project of that user's."""
        return await self.target.project(user)

    def prompt(self, text: str = "Say something short about the sea.") -> Prompt:
        """A prompt with a new tag, which ties the provider's traffic to the call."""
        self._prompts += 1
        return Prompt(f"{text} {tie_text(self._token, self._prompts)}", f"{self._token}.{self._prompts}")

    def models(self, *, tier: str | None = None) -> tuple[Model, ...]:
        """The target's listed models of this case's provider, of one tier or of any."""
        return tuple(
            model
            for model in self.target.profile.systems[self.system].models
            if model.listed and model.provider is self.provider and tier in (None, model.tier)
        )

    def model(self, *, tier: str | None = None) -> Model:
        """The dearest of ``models``: with a cheap one every call costs one credit, and no wrong price shows.

        Raises:
            StageError: the profile declares none.
        """
        found = self.models(tier=tier)
        if not found:
            raise StageError(
                f"no model of provider '{self.provider}'" + (f" in tier '{tier}'" if tier else ""),
                where=f"target '{self.case.target}'",
                fix=f"Declare one under [[systems.{self.system}.models]].",
            )
        return dearest(found)

    def tariff(self, model: str) -> Tariff:
        """What the profile says that a model costs."""
        found = tariff(self.target.profile.facts(self.system), model)
        if found is None:
            raise StageError(f"model '{model}' is not in the profile", where=f"target '{self.case.target}'")
        return found

    @asynccontextmanager
    async def race(
        self, kind: str, entrants: Sequence[Entrant], *, base_url: str | None = None, **facts: Any
    ) -> AsyncIterator[Heat]:
        """Requests held at their last byte and let go together; the answers are there at the end.

        The mark ``race`` (see ``core.race``) says how they were let go, with ``facts`` beside it. They go to the case's
        system, or to ``base_url``.
        """
        url = base_url or self.target.url(self.system)
        async with racing(self.recorder, url, entrants, limit_s=CLIENT_LIMIT_S) as heat:
            yield heat
        self.mark(RACE, {"kind": kind, **facts, **heat.facts()})

    def held(self, entrant: Entrant) -> AbstractAsyncContextManager[Held]:
        """One request held at its last byte, for a scenario that lets it go when it wants."""
        return holding(self.recorder, self.target.url(self.system), entrant)

    # -- the provider's side

    def own_traffic(self) -> None:
        """What the target does at a provider in its own name is this case's: for cases that are alone."""
        self._simulator.claim(agent.SERVICE_ACCOUNT, self.script)

    async def untied_seen(self, times: int, *, within_s: float = SETTLE_LIMIT_S) -> bool:
        """Wait until the provider has so many requests without a tag; False where they have not come by then."""
        return await self._in_time(self.script.seen_untied(times), within_s)

    def gate(self, point: str | int) -> Gate:
        """Hold the provider's answers at a point: ``before-headers``, or after so many content events."""
        gate = Gate()
        self.script.gates[point] = gate
        return gate

    @asynccontextmanager
    async def provider_down(self) -> AsyncIterator[None]:
        """Meanwhile the provider's connections are refused. For scenarios that are alone: it is down for all.

        The marks ``provider-down`` and ``provider-back`` say when.
        """
        async with self._simulator.unreachable(self.provider):
            self.mark("provider-down")
            yield
        self.mark("provider-back")

    async def provider_seen(self, tie: str, *, within_s: float = SETTLE_LIMIT_S) -> bool:
        """Wait until the provider has the request with this tag; False where it has not come by then."""
        return await self._in_time(self.script.seen(tie), within_s)

    async def provider_ended(self, tie: str | None, *, within_s: float = SETTLE_LIMIT_S) -> bool:
        """Wait until the provider's exchange with this tag (None: without one) is over; False where it goes on."""
        return await self._in_time(self.script.ended(tie), within_s)

    async def service_seen(self, operation: str, count: int = 1) -> None:
        """Wait until a service of the target's was called so often; at once where none is recorded."""
        if self.target.services:
            await self.service.seen(operation, count)

    async def first_of(self, waits: Iterable[Awaitable[Any]], *, within_s: float = SETTLE_LIMIT_S) -> bool:
        """Wait until any of these is over; False where none is in time. The others are let go."""
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            done, _ = await asyncio.wait(tasks, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            return bool(done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def struck(self, fault: Fault) -> Iterator[None]:
        """Meanwhile the provider suffers this fault: for scenarios that need one at one moment and none at another."""
        before, self.script.fault = self.script.fault, fault
        try:
            yield
        finally:
            self.script.fault = before

    # -- evidence

    def mark(self, name: str, data: Any = None) -> None:
        """Note on the recording's clock that something was done or seen."""
        self.recorder.mark(name, data)

    async def settle(self, user: User) -> None:
        """Wait until the user's calls are over for the target too, and take its ledger and log into evidence."""
        await self.account(user)
        if user.id is not None and self.target.has(Capability.LOG):
            self.recorder.probe("log", await self.target.log(user.id))

    async def account(self, user: User) -> None:
        """The same without the log: a stopped instance has taken that along, while its twin still has the ledger."""
        if user.id is not None and self.target.has(Capability.LEDGER):
            self.recorder.probe("ledger", await self.target.ledger(user.id, SETTLE_LIMIT_S))

    async def gone(self, user: User) -> None:
        """Wait until the user's calls are over for the target too; nothing of it is evidence."""
        if user.id is not None and self.target.has(Capability.LEDGER):
            await self.target.ledger(user.id, SETTLE_LIMIT_S)

    async def resources(self, name: str) -> None:
        """Take a count of the target's tasks, sockets and descriptors into evidence, once it is at rest."""
        if self.target.has(Capability.RESOURCES):
            self.recorder.probe(name, await self.target.resources(SETTLE_LIMIT_S))

    async def advance(self, seconds: float) -> None:
        """Let so much time pass for the target, at once; the mark ``advanced`` says how much."""
        self.mark("advanced", {"seconds": seconds})
        await self.target.advance(seconds)

    @asynccontextmanager
    async def store_down(self) -> AsyncIterator[None]:
        """Meanwhile nothing can be asked of the target's store. For scenarios that are alone: it is gone for all.

        The marks ``store-down`` and ``store-back`` say when.
        """
        await self.target.store(False)
        self.mark("store-down")
        try:
            yield
        finally:
            self.mark("store-back")
            await self.target.store(True)

    async def startup(self) -> None:
        """Take what the target said when it started into evidence."""
        if self.target.has(Capability.STARTUP):
            self.recorder.probe("startup", {"started": True, "error": None, **await self.target.startup()})

    @asynccontextmanager
    async def twins(self, settings: Mapping[str, str | None]) -> AsyncIterator[None]:
        """Two other instances of the target on one store: everything is done on the first, until it is stopped.

        Raises:
            TargetError: one does not come up.
        """
        usual = self.target
        try:
            async with usual.twins(settings) as (self.target, self._twin):
                yield
        finally:
            self.target, self._twin = usual, None

    async def stop(self) -> None:
        """Stop the instance on which everything is done, and use its twin from then on; ``stopping`` marks the moment.

        Raises:
            StageError: it has no twin: nobody would be left.
        """
        if self._twin is None:
            raise StageError("the target has no twin that would be left", where=str(self.case))
        self.mark("stopping")
        await self.target.close()
        self.target = self._twin

    async def try_start(self, settings: Mapping[str, str | None]) -> None:
        """Start another instance with these settings, and take what came of it into evidence."""
        self.recorder.probe("startup", await self.target.try_start(settings))

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise StageError("the stage is not open", where=str(self.case))
        return self._session

    def _open_slow(self) -> aiohttp.ClientSession:
        if self._slow is None:
            timeout = aiohttp.ClientTimeout(total=CLIENT_LIMIT_S)
            room = {"socket_factory": small_socket}
            self._slow = open_session(self.recorder, timeout=timeout, connector=room, read_bufsize=SMALL_BYTES)
        return self._slow

    @staticmethod
    async def _in_time(wait: Awaitable[T], within_s: float) -> bool:
        try:
            await asyncio.wait_for(wait, within_s)
        except TimeoutError:
            return False
        return True
