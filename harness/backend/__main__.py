"""``python -m harness.backend [SYSTEM ...]``: serve systems until SIGINT or SIGTERM; ``runs`` where none is named.

The settings come from the environment and from the file that ``ENV_FILE`` names, ``.env`` in this folder where there
is one. The first system listens on ``PORT``; the log, its first lines the settings with secrets masked, goes to
``LOG_STREAM``. A start that is refused says why in one line, and exits with 2.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from .configuration import DEFAULT_FILE, FILE, Configuration
from .serve import Addresses, serve
from .settings import Settings, SettingsError

REFUSED = 2


def main(systems: Sequence[str]) -> int:
    """Serve; gives the exit code."""
    environment = dict(os.environ)
    if FILE not in environment and Path(DEFAULT_FILE).is_file():
        environment[FILE] = DEFAULT_FILE
    try:
        settings = Configuration().settings(environment)
        asyncio.run(_main(settings, systems or ("runs",)))
    except (SettingsError, OSError, SQLAlchemyError) as failure:
        print(f"{type(failure).__name__}: {failure}", file=sys.stderr)
        return REFUSED
    return 0


async def _main(settings: Settings, systems: Sequence[str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, systems=systems, port=settings.port, ready=_told, stop=stop)


def _told(addresses: Addresses) -> None:
    for name, address in addresses.items():
        print(f"{name}: {address}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
