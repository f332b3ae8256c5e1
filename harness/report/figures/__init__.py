"""Pictures of runs: each takes frames and gives a ``Shown``, a picture whose title says the finding, and its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.results.frames import Frames

from .failure_causes import failure_list, likely_causes
from .failure_matrices import fault_matrix, provider_matrix
from .failure_rates import failure_rates
from .failure_taxonomy import answers, taxonomy
from .latency_distribution import distributions
from .latency_faults import by_fault
from .latency_matrix import first_token_matrix, total_matrix
from .latency_shares import time_shares
from .latency_slowest import slowest
from .race_forced import forced_offsets
from .race_offsets import offset_outcomes
from .race_shares import inconclusive
from .race_skews import skews
from .shown import Shown

__all__ = [
    "FIGURES",
    "Shown",
    "answers",
    "by_fault",
    "distributions",
    "failure_list",
    "failure_rates",
    "fault_matrix",
    "first_token_matrix",
    "forced_offsets",
    "inconclusive",
    "likely_causes",
    "offset_outcomes",
    "provider_matrix",
    "skews",
    "slowest",
    "taxonomy",
    "time_shares",
    "total_matrix",
]

FIGURES: Mapping[str, tuple[Callable[[Frames], Shown], ...]] = MappingProxyType(
    {
        "latency": (first_token_matrix, total_matrix, distributions, time_shares, by_fault, slowest),
        "races": (offset_outcomes, forced_offsets, skews, inconclusive),
        "failures": (likely_causes, provider_matrix, fault_matrix, failure_rates, taxonomy, answers, failure_list),
    }
)
"""The figures of each notebook, in its order."""
