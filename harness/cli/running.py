"""``harness run`` and ``harness record``: a target exercised and judged."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output

if TYPE_CHECKING:
    from harness.contracts.registry import Contract
    from harness.core.profile import Profile
    from harness.core.recording import Recording
    from harness.suite.run import CaseResult, Options, RunResult
    from harness.suite.select import Planned

Systems = Annotated[
    list[str] | None, typer.Argument(metavar="[SYSTEM]...", help="Systems to exercise; all by default.")
]
TargetOption = Annotated[str, typer.Option("--target", metavar="NAME|FILE", help="A shipped target, or a profile.")]
ScenarioOption = Annotated[list[str] | None, typer.Option("--scenario", help="Only these scenarios (id or glob).")]
ProviderOption = Annotated[list[str] | None, typer.Option("--provider", help="Only these providers.")]
FaultOption = Annotated[list[str] | None, typer.Option("--fault", help="Only these faults (id, group or glob).")]
ContractOption = Annotated[
    list[str] | None, typer.Option("--contract", help="Only these contracts (id, family or glob).")
]
DefectOption = Annotated[str | None, typer.Option("--defect", help="Switch a defect of the reference backend on.")]
JobsOption = Annotated[int, typer.Option("-j", "--jobs", min=1, max=256, help="Cases exercised at once.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Same seed, same prompts and tags.")]
ResultsOption = Annotated[Path, typer.Option("--results", metavar="FOLDER", help="Where runs are kept.")]
JunitOption = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML too.")]
MarkdownOption = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write a summary in Markdown too, for a job's page.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)
    app.command("record")(record)


def run(
    systems: Systems = None,
    target: TargetOption = "reference",
    scenario: ScenarioOption = None,
    provider: ProviderOption = None,
    fault: FaultOption = None,
    contract: ContractOption = None,
    defect: DefectOption = None,
    jobs: JobsOption = 16,
    seed: SeedOption = 0,
    results: ResultsOption = Path("results"),
    junit: JunitOption = None,
    markdown: MarkdownOption = None,
    json: JsonOption = False,
) -> int:
    """Exercise a target on both sides, judge it, and show contract x provider."""
    from harness.core.verdict import exit_code
    from harness.report.matrix import matrix
    from harness.report.summary import failures, headline, run_json, unfelt
    from harness.results.store import RunFolder, new_run_id
    from harness.suite.run import Options
    from harness.suite.select import Wanted, plan

    profile, contracts = _profile(target, defect), _contracts(contract)
    planned = plan(profile, Wanted(tuple(systems or ()), *map(_all, (scenario, provider, fault))))
    facts: dict[str, Any] = {"target": profile.name, "defect": defect, "seed": seed, "jobs": jobs}
    facts |= {"planned": len(planned), "contracts": len(contracts), "judges": [one.id for one in contracts]}
    folder = RunFolder(new_run_id(), root=results, facts=facts)

    def told(done: CaseResult, recording: Recording | None) -> None:
        folder.add(done.case, done.judgements, done.seconds, recording)

    options = Options(keep=folder.cassette, jobs=jobs, seed=seed, defect=defect, told=told)
    result = _execute(profile, planned, contracts, options)
    document = folder.finish(run_json(folder.run, result))
    if junit is not None or markdown is not None:
        from harness.report.files import write_files
        from harness.results.runs import StoredRun

        write_files(StoredRun(folder.path), junit=junit, markdown=markdown)
    if json:
        output.put_json(document)
    else:
        shown = matrix(result, contracts, output.console().width)
        output.put(*shown, *failures(result, contracts), *unfelt(result, contracts), headline(result, folder.path))
    return 130 if result.interrupted else exit_code(result.verdicts)


def record(
    systems: Systems = None,
    target: TargetOption = "reference",
    scenario: ScenarioOption = None,
    provider: ProviderOption = None,
    fault: FaultOption = None,
    defect: DefectOption = None,
    jobs: JobsOption = 16,
    seed: SeedOption = 0,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the cassettes go.")] = Path("cassettes"),
) -> int:
    """Exercise a target and keep the cassettes, under FOLDER/<target>/<system>/<scenario>/.

    With a defect only what breaks a contract is kept, under FOLDER/failures/<defect>/, and declares what it breaks.
    """
    from harness.core.verdict import exit_code
    from harness.suite.record import declare, place
    from harness.suite.run import Options
    from harness.suite.select import Wanted, plan

    profile, contracts = _profile(target, defect), _contracts(None)
    planned = plan(profile, Wanted(tuple(systems or ()), *map(_all, (scenario, provider, fault))))
    how = Options(keep=place(to, defect), jobs=jobs, seed=seed, defect=defect)
    result = _execute(profile, planned, contracts, how)
    if defect is None:
        kept = [done.cassette for done in result.results if done.cassette is not None]
    else:
        kept = list(declare(result.results))
    output.put(f"{len(kept)} cassettes in {to}, recorded from the provider simulator in {result.seconds:.1f} s")
    return 130 if result.interrupted else 0 if defect else exit_code(result.verdicts)


def _profile(target: str, defect: str | None) -> Profile:
    from harness.core.errors import UnknownName
    from harness.targets.profiles import find_profile

    if defect is not None:
        from harness.backend.defects import DEFECTS

        if defect not in DEFECTS:
            raise UnknownName("defect", defect, DEFECTS)
    return find_profile(target)


def _contracts(patterns: list[str] | None) -> tuple[Contract, ...]:
    from harness.suite.select import select_contracts

    return select_contracts(_all(patterns))


def _all(values: list[str] | None) -> tuple[str, ...]:
    return tuple(values or ())


def _execute(
    profile: Profile, planned: tuple[Planned, ...], contracts: tuple[Contract, ...], options: Options
) -> RunResult:
    """Run with a progress bar on standard error."""
    from dataclasses import replace

    from harness.suite import run as suite

    doing = f"{profile.name} with {options.defect}" if options.defect else profile.name
    with output.progress(doing) as tell:
        numbers = itertools.count(1)
        tell(0, len(planned), "")

        def told(done: CaseResult, recording: Recording | None) -> None:
            options.told(done, recording)
            tell(next(numbers), len(planned), str(done.case))

        return asyncio.run(_interruptible(suite.run(profile, planned, contracts, replace(options, told=told))))


async def _interruptible(running: Coroutine[Any, Any, RunResult]) -> RunResult:
    """Ctrl-C and SIGTERM end a run: what was started is stopped, what was seen is kept.

    Ctrl-C is asked for by name: a process that a script put into the background begins with it ignored.
    """
    task = asyncio.ensure_future(running)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
