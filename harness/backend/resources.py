"""What the process holds: tasks, threads, descriptors, sockets, sessions, calls, holds. A leak shows as growth."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

if TYPE_CHECKING:
    from .common import Common

_POOLED = ("asyncio_", "AnyIO worker thread")
_PER_CONNECTION = "RequestHandler.start"
_PORTS = {"http": 80, "https": 443}


class Census:
    """Counts. What serves the probe itself is left out: its connections, their descriptors, the counting task.

    Left out too is what is bounded and grows with use, not with calls: the task that aiohttp has for each open
    connection (``sockets`` has the connection), the workers of the event loop's thread pools, and the
    connections to the database that wait for use. ``open_holds`` are all that the database has, of other processes too.
    """

    def __init__(self, common: Common) -> None:
        self._common = common
        self._process = psutil.Process()

    async def take(self, probe_port: int) -> Mapping[str, int]:
        """The counts, after a garbage collection. ``probe_port`` is the port that the probe listens on."""
        open_holds = await self._common.accounts.open_holds()
        gc.collect()
        sockets = self._process.net_connections(kind="inet")
        pooled = self._common.store.idle_connections()
        ours = [one for one in sockets if one.laddr.port == probe_port]
        return {
            "tasks": self._tasks(),
            "threads": sum(not thread.name.startswith(_POOLED) for thread in threading.enumerate()),
            "fds": self._process.num_fds() - len(ours) - pooled,
            "sockets": len(sockets) - len(ours) - (pooled if self._common.store.over_tcp else 0),
            "provider_connections": sum(
                bool(one.raddr) and one.raddr.port in self._provider_ports() for one in sockets
            ),
            "client_sessions": self._common.clients.open_sessions(),
            "in_flight": self._common.flights.count(),
            "open_holds": open_holds,
        }

    def _tasks(self) -> int:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        return sum(getattr(task.get_coro(), "__qualname__", "") != _PER_CONNECTION for task in tasks)

    def _provider_ports(self) -> set[int]:
        known = [provider.base_url for provider in self._common.providers.values()]
        urls = [urlsplit(url) for url in (*known, self._common.settings.chatkit_api_url)]
        return {url.port or _PORTS[url.scheme] for url in urls}
