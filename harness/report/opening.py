"""Which run a notebook looks at: what ``HARNESS_RUN`` says, else the latest, wherever the notebook was opened."""

from __future__ import annotations

import os
from pathlib import Path

from harness.results.frames import Frames
from harness.results.runs import LATEST, find_run
from harness.results.store import RESULTS

RUN_VARIABLE = "HARNESS_RUN"
RESULTS_VARIABLE = "HARNESS_RESULTS"


def run_name() -> str:
    """The run to look at: an id, the beginning of one, a folder, or ``latest``."""
    return os.environ.get(RUN_VARIABLE) or LATEST


def results_folder() -> Path:
    """Where runs are kept: what ``HARNESS_RESULTS`` says, else the nearest folder ``results`` here or above."""
    given = os.environ.get(RESULTS_VARIABLE)
    if given:
        return Path(given)
    here = Path.cwd()
    return next((folder / RESULTS for folder in (here, *here.parents) if (folder / RESULTS).is_dir()), RESULTS)


def open_run(name: str = LATEST) -> Frames:
    """The frames of one run.

    Raises:
        UsageError: there is no such run.
    """
    return Frames((find_run(name, results_folder()),))
