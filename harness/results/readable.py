"""Which runs a question over all of them is asked of: one that cannot be read is passed over, and told of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import UsageError

from .columns import TABLES
from .parquet import read
from .runs import StoredRun, find_runs


class RunSkipped(UserWarning):
    """A run was left out of an answer over all runs."""


def asked_runs(names: Sequence[str], root: Path) -> list[StoredRun]:
    """The runs of these names; where none is named all that can be read, with a warning for each that cannot.

    What cannot be read is a run that another version left unfinished: of a finished one the declared columns are taken.

    Raises:
        UsageError: there is no such run.
    """
    found = find_runs(names, root)
    return found if names else [run for run in found if run.finished or _readable(run)]


def _readable(run: StoredRun) -> bool:
    try:
        for table in TABLES:
            read(table, [run])
    except UsageError as wrong:
        warnings.warn(f"passed over: {wrong}", RunSkipped, stacklevel=3)
        return False
    return True
