"""For a process from which backends are forked: what each would import only when it first needs it.

Imported once there, it is shared by all, and no call waits for it. A module for each provider, as their libraries take
a second each; ``last`` is imported last.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from contextlib import suppress


def late(names: Iterable[str]) -> None:
    """Import modules; a name that a library no longer has costs time, and nothing else."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)
