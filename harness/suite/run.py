"""One execution: cases exercised (most of them at once), each judged as soon as it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.contracts.registry import Contract
from harness.core.case import Case
from harness.core.errors import HarnessError, TargetError
from harness.core.names import Provider, System
from harness.core.profile import Launch, Profile
from harness.core.recording import Recording
from harness.core.verdict import Judgement, Verdict
from harness.servers.simulator import Simulator

from .exercise import exercise
from .judge import judge_all, unseen
from .lag import LagMonitor
from .pool import TargetPool
from .select import Planned, variant

DEFAULT_JOBS = 16


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case. ``cassette`` is None where the target could not play it."""

    case: Case
    judgements: tuple[Judgement, ...]
    cassette: Path | None
    seconds: float


@dataclass(slots=True)
class RunResult:
    """What came of a run, as far as it got: ``interrupted`` says that it did not get to its end."""

    target: str
    defect: str | None
    planned: int
    results: list[CaseResult] = field(default_factory=list)
    seconds: float = 0.0
    start_seconds: float = 0.0
    interrupted: bool = False

    @property
    def judgements(self) -> list[Judgement]:
        """All judgements of all cases."""
        return [judgement for result in self.results for judgement in result.judgements]

    @property
    def verdicts(self) -> set[Verdict]:
        """The verdicts that were given."""
        return {judgement.verdict for judgement in self.judgements}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is done. ``keep`` says where a case's cassette goes; ``told`` is called with each case as soon as it is
    over, and its recording where there is one.
    """

    keep: Callable[[Case], Path]
    jobs: int = DEFAULT_JOBS
    seed: int = 0
    defect: str | None = None
    told: Callable[[CaseResult, Recording | None], None] = lambda _result, _recording: None


async def run(
    profile: Profile, planned: Sequence[Planned], contracts: Sequence[Contract], options: Options
) -> RunResult:
    """Exercise the cases and judge them; cancelled, it stops what it started and keeps what it has.

    Raises:
        TargetError: the target does not come up.
        CassetteWrite: a cassette cannot be written.
    """
    result = RunResult(profile.name, options.defect, len(planned))
    began_s = time.monotonic()
    try:
        wanted = profile.only(System(one.case.system) for one in planned)
        prepare(profile, planned)
        async with opened(wanted, contracts, options) as bench:
            result.start_seconds = time.monotonic() - began_s
            await _exercise_all(bench, planned, result)
    except asyncio.CancelledError:
        result.interrupted = True
    result.seconds = time.monotonic() - began_s
    return result


def prepare(profile: Profile, planned: Sequence[Planned]) -> None:
    """Have an embedded target import what these cases need, and no more, while it comes up."""
    if profile.launch is Launch.EMBEDDED:
        from harness.targets.embedded import warm

        warm(Provider(one.case.provider) for one in planned)


@dataclass(frozen=True, slots=True)
class Bench:
    """The simulators and the target, running, on which cases are exercised and judged."""

    pool: TargetPool
    simulator: Simulator
    contracts: Sequence[Contract]
    options: Options
    lag: LagMonitor

    async def one(self, planned: Planned) -> CaseResult:
        """Exercise and judge one case."""
        began_s = time.monotonic()
        judgements, path, recording = await self._judged(planned)
        done = CaseResult(planned.case, judgements, path, time.monotonic() - began_s)
        self.options.told(done, recording)
        return done

    async def _judged(self, planned: Planned) -> tuple[tuple[Judgement, ...], Path | None, Recording | None]:
        system = planned.case.system
        if planned.lacking:
            note = f"the target lacks: {', '.join(sorted(planned.lacking))}"
            return unseen(self.contracts, system, Verdict.UNSUPPORTED, note), None, None
        try:
            target = await self.pool.get(variant(planned), System(system))
        except TargetError as failure:
            return unseen(self.contracts, system, Verdict.ERROR, str(failure)), None, None
        path = self.options.keep(planned.case)
        recording = await exercise(
            planned,
            target=target,
            simulator=self.simulator,
            seed=self.options.seed,
            defect=self.options.defect,
            path=path,
            lag=self.lag,
        )
        return judge_all(recording, self.contracts), path, recording


@asynccontextmanager
async def opened(profile: Profile, contracts: Sequence[Contract], options: Options) -> AsyncIterator[Bench]:
    """Start the simulators and the target; both are stopped at the end, whatever happens.

    Raises:
        TargetError: the target does not come up.
    """
    async with LagMonitor() as lag, Simulator(ports=profile.simulator_ports) as simulator:
        urls = {provider: simulator.base_url(provider) for provider in simulator.providers}
        pool = TargetPool(profile, urls, defect=options.defect)
        try:
            await pool.get({})
            yield Bench(pool, simulator, contracts, options, lag)
        finally:
            await asyncio.shield(pool.close())


async def _exercise_all(bench: Bench, planned: Sequence[Planned], result: RunResult) -> None:
    """Most cases at once, as many as ``jobs`` says; then, one by one, those that must be alone."""
    places = asyncio.Semaphore(bench.options.jobs)

    async def placed(one: Planned) -> None:
        async with places:
            result.results.append(await bench.one(one))

    try:
        async with asyncio.TaskGroup() as group:
            for one in planned:
                if not one.alone:
                    group.create_task(placed(one))
    except* HarnessError as failures:
        raise failures.exceptions[0] from None
    for one in sorted((one for one in planned if one.alone), key=lambda one: one.outage):
        result.results.append(await bench.one(one))
    order = {one.case: number for number, one in enumerate(planned)}
    result.results.sort(key=lambda done: order[done.case])
