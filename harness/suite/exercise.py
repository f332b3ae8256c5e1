"""Exercising one case: a stage is set, the scenario drives, and what was seen becomes a cassette and a recording."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.cassettes import file
from harness.cassettes.recorder import Recorder
from harness.cassettes.redact import Redactor, Secret
from harness.core.errors import HarnessError
from harness.core.fault import Reach
from harness.core.names import Provider, System
from harness.core.recording import Header, Recording, Source
from harness.results.rows import LAG_MARK
from harness.scenarios.stage import Stage
from harness.servers.script import Script
from harness.servers.simulator import Simulator
from harness.targets.running import Target

from .lag import LagMonitor
from .select import Planned

STOOD_STILL_MS = 2000.0
"""Half of the time limits that the reference backend has towards its providers."""


async def exercise(
    planned: Planned,
    *,
    target: Target,
    simulator: Simulator,
    seed: int,
    defect: str | None,
    path: Path,
    lag: LagMonitor | None = None,
) -> Recording:
    """Drive one case, write its cassette, and give the recording as the cassette has it.

    A live run is judged on what was loaded again from the disk, so that it can never differ from a replay. Failures of
    the harness make the recording void; they are never the target's. ``lag`` watches the loop that this runs on; what
    it saw becomes a mark of the recording.

    Raises:
        CassetteWrite: the cassette cannot be written.
    """
    recorder = Recorder(_header(planned, target, seed, defect))
    start_ns = time.monotonic_ns() - recorder.now()
    script = Script(fault=planned.fault, recorder=recorder)
    void = None
    try:
        async with AsyncExitStack() as stack:
            if planned.fault.reach is Reach.REFUSED:
                await stack.enter_async_context(simulator.unreachable(Provider(planned.case.provider)))
            stage = Stage(planned.case, seed=seed, target=target, simulator=simulator, recorder=recorder, script=script)
            await stack.enter_async_context(stage)
            await planned.scenario.drive(stage)
    except HarnessError as failure:
        void = str(failure)
    if lag is not None:
        late = lag.of(recorder.recording(), start_ns)
        recorder.mark(LAG_MARK, late.as_data())
        void = void or _stood_still(late.case_ms)
    redactor = _redactor(frozenset(target.secrets.items()))
    return await asyncio.to_thread(_kept, recorder.recording(void=void), redactor, path)


def _stood_still(lag_ms: float) -> str | None:
    """Why a recording says nothing of the target: time limits passed there while we answered nobody."""
    if lag_ms < STOOD_STILL_MS:
        return None
    return (
        f"the harness itself stood still for {lag_ms / 1000:.1f} s, and the target may have given up on us meanwhile; "
        "exercise fewer cases at once (-j), or on a machine with less to do"
    )


def _kept(recording: Recording, redactor: Redactor, path: Path) -> Recording:
    """Off the loop: a body of megabytes, or a disk that is slow, must not make other cases' answers late."""
    file.write(path, redactor.redact(recording))
    return file.load(path)


@lru_cache(maxsize=16)
def _redactor(secrets: frozenset[tuple[str, str]]) -> Redactor:
    """The redactor of a target: made once for all its cases."""
    return Redactor([Secret(kind, value) for value, kind in secrets])


def _header(planned: Planned, target: Target, seed: int, defect: str | None) -> Header:
    case = planned.case
    asked: dict[str, Any] = {"case": str(case)}
    if planned.scenario.settings:
        asked["settings"] = dict(planned.scenario.settings)
    return Header(
        source=Source.SIMULATOR,
        system=case.system,
        target=case.target,
        scenario=case.scenario,
        provider=case.provider,
        fault=case.fault,
        defect=defect,
        seed=seed,
        capabilities=frozenset(target.profile.capabilities),
        facts=target.profile.facts(System(case.system)),
        asked=asked,
    )
