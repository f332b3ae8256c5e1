"""Cases exercised in the background, for a caller that is not asynchronous, such as a test runner."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from harness.contracts.registry import Contract
from harness.core.case import Case
from harness.core.errors import HarnessError
from harness.core.names import System
from harness.core.profile import Profile
from harness.core.recording import Recording

from .run import CaseResult, Options, opened, prepare, run
from .select import Planned


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be exercised, on what, and how."""

    profile: Profile
    planned: Sequence[Planned]
    contracts: Sequence[Contract]
    options: Options


class LiveSession:
    """A thread with an event loop in it.

    ``ahead``: all cases are exercised from the first question on, as a run does it. Otherwise each is exercised when
    it is asked for: right where several test processes share the cases between them.
    """

    def __init__(self, work: Work, *, ahead: bool) -> None:
        self._work = work
        self._ahead = ahead
        self._results: Mapping[Case, Future[CaseResult]] = {one.case: Future() for one in work.planned}
        self._asked: asyncio.Queue[Planned | None] = asyncio.Queue()
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._main: asyncio.Task[None] | None = None

    def choose(self, planned: Iterable[Planned]) -> None:
        """Exercise these cases ahead and no others. To be said before the first question."""
        chosen = {one.case for one in planned}
        self._work = replace(self._work, planned=[one for one in self._work.planned if one.case in chosen])

    def result(self, planned: Planned) -> CaseResult:
        """Wait for what came of a case.

        Raises:
            HarnessError: it could not be exercised.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="contracts", daemon=True)
            self._thread.start()
        future = self._results[planned.case]
        if not self._ahead and not future.done():
            self._loop.call_soon_threadsafe(self._asked.put_nowait, planned)
        return future.result()

    def close(self) -> None:
        """Stop what was started; cases that are under way are broken off."""
        if self._thread is None or not self._thread.is_alive():
            self._loop.close()
            return
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._all() if self._ahead else self._one_by_one())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            self._give_up(HarnessError("the run was broken off"))
        except HarnessError as failure:
            self._give_up(failure)

    async def _all(self) -> None:
        work = self._work
        await run(work.profile, work.planned, work.contracts, replace(work.options, told=self._told))
        self._give_up(HarnessError("the run was broken off"))

    async def _one_by_one(self) -> None:
        work = self._work
        prepare(work.profile, work.planned)
        wanted = work.profile.only(System(one.case.system) for one in work.planned)
        async with opened(wanted, work.contracts, replace(work.options, told=self._told)) as bench:
            while (planned := await self._asked.get()) is not None:
                if not self._results[planned.case].done():
                    await bench.one(planned)

    def _told(self, done: CaseResult, recording: Recording | None) -> None:
        self._work.options.told(done, recording)
        self._results[done.case].set_result(done)

    def _give_up(self, failure: HarnessError) -> None:
        for future in self._results.values():
            if not future.done():
                future.set_exception(failure)

    def _stop(self) -> None:
        """Break off what has cases left; what has none is at its end, and closes what it opened undisturbed."""
        if not self._ahead:
            self._asked.put_nowait(None)
        elif self._main is not None and not all(self._results[one.case].done() for one in self._work.planned):
            self._main.cancel()
