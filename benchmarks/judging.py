"""Judging and reading: verdicts a second from loaded recordings, and our reader against vcrpy's on the same files.

Run ``python benchmarks/judging.py [FOLDER]``; the folder holds cassettes of ours (``cassettes`` by default).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from timing import Figure, seconds, table
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from harness.cassettes import file
from harness.contracts import load
from harness.core.verdict import Verdict
from harness.suite.judge import judge_all
from harness.suite.replay import find_cassettes

RUNS = 7


def fresh(recordings):
    """The recordings without what judging has memorised of them."""
    return [replace(recording) for recording in recordings]


def main() -> None:
    paths = find_cassettes([Path(sys.argv[1] if len(sys.argv) > 1 else "cassettes")])
    contracts = tuple(load().values())
    recordings = [file.load(path) for path in paths]
    verdicts = len(recordings) * len(contracts)
    judged = sum(
        judgement.verdict is not Verdict.NOT_APPLICABLE
        for recording in fresh(recordings)
        for judgement in judge_all(recording, contracts)
    )

    def judge() -> None:
        for recording in fresh(recordings):
            judge_all(recording, contracts)

    judging = seconds(judge, RUNS)
    ours = seconds(lambda: [file.load(path) for path in paths], RUNS)
    theirs = seconds(lambda: [FilesystemPersister.load_cassette(str(path), yamlserializer) for path in paths], RUNS)
    table(
        Figure(
            f"verdicts a second, one core ({len(paths)} recordings x {len(contracts)} contracts)",
            "/s",
            tuple(verdicts / one for one in judging),
        ),
        Figure(f"of those, {judged:,} that found a subject to judge", "/s", tuple(judged / one for one in judging)),
        Figure(f"reading {len(paths)} cassettes, ours", "s", ours),
        Figure(f"reading {len(paths)} cassettes, vcrpy", "s", theirs),
        Figure("vcrpy's time over ours, pair by pair", "x", tuple(b / a for a, b in zip(ours, theirs, strict=True))),
    )


if __name__ == "__main__":
    main()
