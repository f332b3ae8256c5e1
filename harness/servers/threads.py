"""Threads: which requests went together, for protocols that take several of them to one answer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from harness.core.recording import Request

THREADS_MAX = 10_000


@dataclass(slots=True)
class _Thread:
    tie: str | None = None
    requests: list[Request] = field(default_factory=list)


class Threads:
    """Remembers what was asked in each thread; of more than ``THREADS_MAX`` those quiet longest are forgotten."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, _Thread] = OrderedDict()

    def tie(self, thread: str | None) -> str | None:
        """The tag of the thread's last request that had one."""
        known = self._threads.get(thread) if thread is not None else None
        return known.tie if known else None

    def earlier(self, thread: str | None) -> tuple[Request, ...]:
        """The thread's requests so far, oldest first."""
        known = self._threads.get(thread) if thread is not None else None
        return tuple(known.requests) if known else ()

    def add(self, thread: str | None, tie: str | None, request: Request) -> None:
        """A request of a thread is here."""
        if thread is None:
            return
        known = self._threads.setdefault(thread, _Thread())
        known.tie = tie or known.tie
        known.requests.append(request)
        self._threads.move_to_end(thread)
        if len(self._threads) > THREADS_MAX:
            self._threads.popitem(last=False)
