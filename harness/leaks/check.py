"""One test under a watch: when it is looked at, and what its reports say then.

The test runner's own objects (items, reports) are taken as they come: this package does not know pytest.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Self

from .leak import Leak, told
from .notes import counting
from .watch import Watch, difference

_EXPECTED = "[XPASS(strict)]"


class Check:
    """What one test leaves open.

    ``fixtures`` are the definitions of those that outlive the test, read when it ends: what their values hold is
    theirs. ``ignore`` are globs over a leak's line: what they match is no leak.
    """

    def __init__(self, item: Any, fixtures: Iterable[Any] = (), *, ignore: str | Iterable[str] = ()) -> None:
        self.leaks: tuple[Leak, ...] = ()
        self._item = item
        self._fixtures = fixtures
        self._ignore = (ignore,) if isinstance(ignore, str) else tuple(ignore)
        self._armed = False
        self._watch = Watch()

    def __enter__(self) -> Self:
        self._item.ihook.pytest_runtest_logstart(nodeid=self._item.nodeid, location=self._item.location)
        self._watch.__enter__()
        self._before = self._watch.snapshot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watch.__exit__(kind, error, traceback)

    def part(self, scope: str = "function") -> AbstractContextManager[None]:
        """While a part of the test runs. What it makes counts if it is of the test's own scope.

        The first such part has the look at the end put below all finalizers of the test.
        """
        own = scope == "function"
        if own and not self._armed:
            self._armed = True
            self._item.addfinalizer(self._end)
        return counting(own)

    def log(self, reports: Iterable[Any], pytest: Any) -> None:
        """Report a test that was run with its reports held back. ``pytest`` is that module."""
        for report in reports:
            if report.when == "call" and self.leaks:
                self._tell(report, pytest)
            self._item.ihook.pytest_runtest_logreport(report=report)
        self._item.ihook.pytest_runtest_logfinish(nodeid=self._item.nodeid, location=self._item.location)

    def _tell(self, call: Any, pytest: Any) -> None:
        text = told(self.leaks)
        words = str(call.longrepr)
        if hasattr(call, "wasxfail") or words.startswith(_EXPECTED):
            call.wasxfail = getattr(call, "wasxfail", words.removeprefix(_EXPECTED).strip())
            call.outcome, call.longrepr = "skipped", text
        elif call.passed:
            failed = pytest.CallInfo.from_call(lambda: pytest.fail(text, pytrace=False), when="call")
            call.outcome, call.longrepr = "failed", failed.excinfo.getrepr(style="value")
        elif hasattr(call.longrepr, "addsection"):
            call.longrepr.addsection("leak_check", text)

    def _end(self) -> None:
        owners = [one.cached_result[0] for one in self._fixtures if one.cached_result is not None]
        with counting(on=False):
            self._watch.settle(owners)
            found = difference(self._before, self._watch.snapshot())
        self.leaks = tuple(one for one in found if not any(fnmatchcase(str(one), pattern) for pattern in self._ignore))
