"""What a run leaves behind, for people who analyse it.

``load()`` gives pandas frames over one run or many, ``query()`` answers SQL over them. Both import what they need when
they are called: a run that only writes does not wait for pandas.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .frames import Frames

__all__ = ["load"]


def load(*runs: str, root: Path | str = "results") -> Frames:
    """The frames of the runs named (id, folder, beginning of an id, ``latest``); of all under ``root`` where none is.

    Raises:
        UsageError: there is no such run.
    """
    from .frames import Frames
    from .runs import find_runs

    return Frames(find_runs(runs, Path(root)))
