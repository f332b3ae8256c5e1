"""The hooks of the mark ``leak_check``, for ``harness.plugin`` to register: this package does not know pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check import Check

MARK = "leak_check"
WORDS = f"{MARK}(ignore=()): fails if the test leaves a session, task, file, ... open; {MARK}(False): not this one"
WRAPPERS = ("pytest_runtest_call", "pytest_fixture_setup")
"""The hooks to be registered as wrappers, outermost."""


class LeakHooks:
    """``pytest`` is that module, ``run`` its ``runtestprotocol``."""

    def __init__(self, pytest: Any, run: Callable[..., Iterable[Any]]) -> None:
        self._pytest = pytest
        self._run = run
        self._check: Check | None = None
        self._wider: set[Any] = set()

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> bool | None:
        """Run a test that is to be checked; it is reported once it has been torn down."""
        mark = item.get_closest_marker(MARK)
        on = all(mark.args) if mark else item.config.getini(MARK)
        if not on or not isinstance(item, self._pytest.Function) or item.config.getoption("setupshow"):
            return None
        named = mark.kwargs if mark else {}
        if not named.keys() <= {"ignore"}:
            raise self._pytest.UsageError(f"{item.nodeid}: {MARK} knows no {', '.join(named.keys() - {'ignore'})}")
        from .check import Check

        self._check = Check(item, self._wider, **named)
        try:
            with self._check:
                reports = self._run(item, log=False, nextitem=nextitem)
            self._check.log(reports, self._pytest)
        finally:
            self._check = None
        return True

    def pytest_runtest_call(self) -> Iterator[None]:
        """What the test makes counts."""
        __tracebackhide__ = True
        with self._check.part() if self._check else nullcontext():
            return (yield)

    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """What its own fixtures make counts; what those of a wider scope make does not, nor what they hold."""
        __tracebackhide__ = True
        if fixturedef.scope != "function":
            self._wider.add(fixturedef)
        with self._check.part(fixturedef.scope) if self._check else nullcontext():
            return (yield)
