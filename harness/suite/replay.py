"""Replay: cassettes are judged again, offline. The same recording gives the same verdicts as when it was live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cassettes.journal import recover
from harness.contracts.registry import Contract
from harness.core.errors import UsageError
from harness.core.recording import Recording
from harness.core.verdict import Judgement

from .judge import judge_all

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A cassette judged again."""

    path: Path
    recording: Recording
    judgements: tuple[Judgement, ...]


def find_cassettes(paths: Sequence[Path]) -> list[Path]:
    """The cassette files that paths (files, and folders with all below them) come to, sorted.

    Raises:
        UsageError: a path is not there, or there is no cassette at all.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file()))
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(
                "there is no such file or folder", where=str(path), fix="Give a cassette, or a folder of them."
            )
    if not found:
        raise UsageError("there is no cassette", where=", ".join(map(str, paths)), fix="'harness record' writes some.")
    return found


def replay(paths: Sequence[Path], contracts: Sequence[Contract]) -> Iterator[Replayed]:
    """Judge cassettes again, one after the other.

    Raises:
        CassetteError: a file is no cassette of ours, or a broken one.
    """
    for path in find_cassettes(paths):
        recording = recover(path)
        yield Replayed(path, recording, judge_all(recording, contracts))
