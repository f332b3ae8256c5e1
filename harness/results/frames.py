"""Runs as pandas frames: finished, with every declared column, categories where names repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow as pa

from .parquet import read
from .runs import StoredRun


@dataclass(frozen=True)
class Frames:
    """The tables of one run or many; each is read when first asked for. See ``columns`` for what they hold."""

    stored: Sequence[StoredRun]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for each run."""
        return self.table("runs")

    @cached_property
    def cases(self) -> pd.DataFrame:
        """One row for each case that was exercised."""
        return self.table("cases")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row for each contract that had something to judge in a case."""
        return self.table("verdicts")

    @cached_property
    def exchanges(self) -> pd.DataFrame:
        """One row for each exchange of either side, with its latencies."""
        return self.table("exchanges")

    @cached_property
    def segments(self) -> pd.DataFrame:
        """One row for each piece of a response's body."""
        return self.table("segments")

    @cached_property
    def probes(self) -> pd.DataFrame:
        """One row for each probe of the target."""
        return self.table("probes")

    @cached_property
    def races(self) -> pd.DataFrame:
        """One row for each request of a race that was measured."""
        return self.table("races")

    def table(self, name: str) -> pd.DataFrame:
        """A table by its name, read anew."""
        return frame(read(name, self.stored))


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame: whole numbers that may be null stay whole (``Int64``), flags are ``boolean``."""
    found: pd.DataFrame = table.unify_dictionaries().to_pandas(types_mapper=_NULLABLE.get)
    return found


_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype()}
