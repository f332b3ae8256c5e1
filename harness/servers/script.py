"""A script: what the simulator does with the requests of one case, and what it has seen of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from harness.core.draft import Draft
from harness.core.fault import FAULTS, Fault
from harness.core.recording import NO_FAULT, Headers, Request, Side
from harness.providers.reply import Reply

from .gate import Gate


class Notebook(Protocol):
    """Where exchanges are noted, on one clock. ``cassettes.recorder.Recorder`` is one."""

    def now(self) -> int:
        """Nanoseconds since the recording's start."""

    def open(
        self,
        side: Side,
        operation: str,
        *,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        tie: str | None = None,
        provider: str | None = None,
    ) -> Draft:
        """A new exchange, its request sent now."""

    def close(self, draft: Draft) -> None:
        """The exchange is over."""


class Unrecorded:
    """Notes nothing for anybody: for traffic that belongs to no case."""

    def now(self) -> int:
        """Nanoseconds of a monotonic clock."""
        return time.monotonic_ns()

    def open(
        self,
        side: Side,
        operation: str,
        *,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        tie: str | None = None,
        provider: str | None = None,
    ) -> Draft:
        """A draft that nobody keeps."""
        request = Request(method, url, headers, body, self.now())
        return Draft(id="", side=side, operation=operation, request=request, tie=tie, provider=provider)

    def close(self, draft: Draft) -> None:
        """Nothing to do."""


@dataclass(slots=True, eq=False)
class Script:
    """What to do with the requests of one case, whose tag's token selects it.

    ``gates`` holds answers at ``before-headers``, or after so many content events; it may grow while the case runs.
    ``reply`` is what the model is to say, None for the usual.
    """

    fault: Fault = FAULTS[NO_FAULT]
    recorder: Notebook = field(default_factory=Unrecorded)
    gates: MutableMapping[str | int, Gate] = field(default_factory=dict)
    reply: Reply | None = None
    _drafts: dict[str | None, list[Draft]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def seen(self, tie: str) -> Draft:
        """Wait until a request with this tag has arrived; gives the first."""
        await self._until(lambda: bool(self._drafts.get(tie)))
        return self._drafts[tie][0]

    async def seen_untied(self, times: int) -> None:
        """Wait until so many requests without a tag have arrived."""
        await self._until(lambda: self.count(None) >= times)

    async def ended(self, tie: str | None) -> Draft:
        """Wait until a request with this tag has arrived and none is being answered; gives the last.

        None stands for the requests without a tag.
        """
        await self._until(lambda: bool(self._drafts.get(tie)) and not any(one.open for one in self._drafts[tie]))
        return self._drafts[tie][-1]

    async def idle(self) -> None:
        """Wait until no request of this script is being answered."""
        await self._until(lambda: not any(draft.open for drafts in self._drafts.values() for draft in drafts))

    def count(self, tie: str | None) -> int:
        """How many requests with this tag have arrived (None: without one)."""
        return len(self._drafts.get(tie, ()))

    def first(self, tie: str | None) -> Request | None:
        """The first request with this tag (None: the first without one); None where none has arrived."""
        drafts = self._drafts.get(tie)
        return drafts[0].request if drafts else None

    def before(self, draft: Draft) -> tuple[int, Request | None]:
        """For the simulator: how many requests with this one's tag came before it, and the first of them."""
        return self.count(draft.tie), self.first(draft.tie)

    def arrived(self, draft: Draft) -> None:
        """For the simulator: a request is here."""
        self._drafts.setdefault(draft.tie, []).append(draft)
        self._change()

    def finished(self, draft: Draft) -> None:
        """For the simulator: a draft has ended."""
        self.recorder.close(draft)
        self._change()

    def _change(self) -> None:
        """Wake everybody who waits; who waits again waits for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            await self._changed.wait()


@dataclass(slots=True, eq=False)
class Strays(Script):
    """What to do with a provider's requests that belong to no case.

    They have no tags to be told apart by: those of one call are alike. As they may come for days, of each call the
    first request is kept, and how many there were.
    """

    _calls: dict[str, tuple[int, Request]] = field(default_factory=dict)

    def before(self, draft: Draft) -> tuple[int, Request | None]:
        """How many requests for the same call came before this one, and the first of them."""
        return self._calls.get(draft.operation, (0, None))

    def arrived(self, draft: Draft) -> None:
        """For the simulator: a request is here."""
        number, first = self._calls.get(draft.operation, (0, draft.request))
        self._calls[draft.operation] = (number + 1, first)
