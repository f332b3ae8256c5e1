"""For a process from which backends are forked: everything that each would import only when it first needs it.

Imported once there, it is shared by all; a name that a library no longer has costs time and nothing else. What lives
as long as the process is then taken from the garbage collector's sight: a forked backend does not search it.
"""

from __future__ import annotations

import gc
import importlib
from contextlib import suppress

from . import serve

LATE = (
    "aiosqlite",
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    "concurrent.futures.thread",
    "h11",
    "httpcore2",
    "truststore",
)
"""Modules that are imported at first use by the libraries that the backend is made of."""


def _warm() -> None:
    for name in LATE:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


_warm()

__all__ = ["LATE", "serve"]
