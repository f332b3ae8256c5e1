"""The words that a run's figures come to: pure functions from frames to sentences, the answer first.

Notebooks, the summary in Markdown and the page of a report say the same, because they say these.
"""

from __future__ import annotations

from .failures import cause_words, failures, first_looks
from .latency import latency
from .phrases import Words
from .races import races
from .run import run

__all__ = ["Words", "cause_words", "failures", "first_looks", "latency", "races", "run"]
