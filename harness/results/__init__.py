"""What a run leaves behind, for people who analyse it.

``load()`` gives pandas frames over one run or many, ``query()`` answers SQL over them, ``compare()`` has their streams
by other tools' definitions. Where no run is named, one that cannot be read is passed over with a warning. They import
what they need when they are called: a run that only writes does not wait.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from .frames import Frames

__all__ = ["compare", "load", "query"]


def load(*runs: str, root: Path | str = "results") -> Frames:
    """The frames of the runs named (id, folder, beginning of an id, ``latest``); of all under ``root`` where none is.

    Raises:
        UsageError: there is no such run.
    """
    from .frames import Frames
    from .readable import asked_runs

    return Frames(asked_runs(runs, Path(root)))


def query(sql: str, *runs: str, root: Path | str = "results") -> pd.DataFrame:
    """What a DuckDB query over the same runs gives; the views are called as the tables are.

    Raises:
        UsageError: there is no such run, or DuckDB cannot make sense of the query.
    """
    from .readable import asked_runs
    from .sql import ask_frame

    return ask_frame(sql, asked_runs(runs, Path(root)))


def compare(*runs: str, root: Path | str = "results") -> pd.DataFrame:
    """Every client stream of the same runs by our definitions of latency and by other tools'; see ``comparison``.

    Raises:
        UsageError: there is no such run.
    """
    from .comparison import comparison
    from .readable import asked_runs

    return comparison(asked_runs(runs, Path(root)))
