"""``harness replay``, ``show`` and ``check``: recordings judged, ours and anybody's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output
from .running import ContractOption, JsonOption

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders with all below them.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("replay")(replay)
    app.command("show")(show)
    app.command("check")(check)


def replay(paths: Paths, contract: ContractOption = None, json: JsonOption = False) -> int:
    """Judge cassettes again, offline, and show each verdict with its evidence."""
    from harness.core.verdict import exit_code
    from harness.report.replayed import replay_json, replay_lines
    from harness.suite.replay import replay as judge_again
    from harness.suite.select import select_contracts

    done = list(judge_again(paths, select_contracts(tuple(contract or ()))))
    if json:
        output.put_json(replay_json(done))
    else:
        output.put(*replay_lines(done))
    return exit_code({judgement.verdict for one in done for judgement in one.judgements})


def show(path: Annotated[Path, typer.Argument(metavar="CASSETTE")], json: JsonOption = False) -> int:
    """Show a cassette as a timeline: both sides, probes and marks on one clock."""
    from harness.cassettes.journal import recover
    from harness.report.timeline import timeline, timeline_json

    recording = recover(path)
    if json:
        output.put_json(timeline_json(recording))
    else:
        output.put(*timeline(recording))
    return 0


def check(paths: Paths, json: JsonOption = False) -> int:
    """Judge recordings made by others, in any known format: classified, judged as provider traffic, and counted."""
    from harness.core.verdict import exit_code
    from harness.report.check_table import tables
    from harness.suite.check import check as check_paths

    with output.progress("checking") as tell:
        report = check_paths(paths, progress=lambda done, total: tell(done, total, ""))
    if json:
        output.put_json(report.to_json())
    else:
        output.put(*tables(report))
    return exit_code({verdict for verdict, count in report.verdicts.items() if count})
