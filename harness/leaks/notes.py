"""What was made while a watch is on: notes that keep nothing alive.

A thing counts for the test where the code that made it runs in the test's context, or in a thread that was started
there; and where a line of the tester's own code can be named.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .leak import Kind, Leak
from .site import PROCESS, Site, here

_COUNTS: ContextVar[bool | None] = ContextVar("leaks_count", default=None)


@contextmanager
def counting(on: bool) -> Iterator[None]:
    """Whether what is made in this context, and in what it starts, counts for the test."""
    token = _COUNTS.set(on)
    try:
        yield
    finally:
        _COUNTS.reset(token)


@dataclass(frozen=True, slots=True)
class Trait:
    """How a kind of thing is asked whether it is open, and put into words. Both are given the thing itself."""

    kind: Kind
    is_open: Callable[[Any], bool]
    describe: Callable[[Any], str]


class Thing:
    """One thing that was made: where, and how to reach it as long as it lives."""

    def __init__(self, trait: Trait, reach: Callable[[], Any], made_at: Site, loop: object | None) -> None:
        self.trait = trait
        self.reach = reach
        self.made_at = made_at
        self.left: str | None = None
        """Its description, once it is certain that it was left open."""
        self.aside = False
        """Whether it does not count: a part of something else, or in the hands of somebody else."""
        self.maker: Thing | None = None
        """The task, the thread or the listening socket that made it: while that is open, it alone is named."""
        self._loop = None if loop is None else weakref.ref(loop)

    @property
    def loop(self) -> object | None:
        """The event loop that it was made under, as long as that lives."""
        return None if self._loop is None else self._loop()

    @property
    def subject(self) -> Any:
        """The thing itself, or None where it is gone."""
        return self.reach()

    @property
    def open(self) -> bool:
        """Whether it is open now."""
        subject = self.subject
        return subject is not None and self.trait.is_open(subject)

    @property
    def left_open(self) -> bool:
        """Whether it is open, or known to have been left so."""
        return self.left is not None or self.open

    @property
    def suspect(self) -> bool:
        """Whether it is left open, counts, and would be left open without its makers too."""
        if self.aside or not self.left_open:
            return False
        maker = self.maker
        while maker is not None and not maker.left_open:
            maker = maker.maker
        return maker is None

    def leave(self, subject: Any) -> None:
        """It is certain now that it was left open."""
        if self.left is None:
            self.left = self.trait.describe(subject)

    def leak(self) -> Leak:
        """As a value."""
        subject = self.subject
        what = self.left if self.left is not None or subject is None else self.trait.describe(subject)
        return Leak(self.trait.kind, what or "", str(self.made_at))


class Notes:
    """All things of one watch, in the order they were made."""

    def __init__(self) -> None:
        self.on = True
        self.threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        """Threads that were started in the test's context."""
        self._things: dict[int, Thing] = {}
        self._by_id: dict[int, Thing] = {}
        self._number = itertools.count()

    def counts(self) -> bool:
        """Whether what is made now counts for the test."""
        if not self.on:
            return False
        said = _COUNTS.get()
        return threading.current_thread() in self.threads if said is None else said

    def note(self, trait: Trait, subject: Any, *, loop: object | None = None, otherwise: Site | None = None) -> None:
        """Note a thing that has just been made.

        Where no line of the tester's is on the stack, it is that of the running task, else ``otherwise``.
        """
        if self.on:
            self._by_id.pop(id(subject), None)
            self._keep(trait, subject, self.site() or otherwise, loop)

    def note_found(self, trait: Trait, subject: Any, made_at: Site | None, loop: object) -> None:
        """Note a thing that was made unseen."""
        if self.on:
            self._keep(trait, subject, made_at, loop)

    def _keep(self, trait: Trait, subject: Any, made_at: Site | None, loop: object | None) -> None:
        if made_at is not None and made_at is not PROCESS and self.counts():
            thing = Thing(trait, weakref.ref(subject), made_at, loop or running_loop())
            self._by_id[id(subject)] = thing
            self.add(thing)

    def add(self, thing: Thing) -> None:
        """Keep a note."""
        task = _running_task()
        maker = None if task is None else self.of(task)
        thing.maker = maker or self.of(threading.current_thread())
        self._things[next(self._number)] = thing

    def of(self, subject: object) -> Thing | None:
        """The note of a thing that lives."""
        thing = self._by_id.get(id(subject))
        return thing if thing is not None and thing.subject is subject else None

    def dropped(self, subject: object) -> None:
        """A thing dies: if it is open, it was left so. Weak references may be dead by now, its identity is not."""
        thing = self._by_id.pop(id(subject), None)
        if self.on and thing is not None and thing.trait.is_open(subject):
            thing.leave(subject)

    def dropping(self, original: Any) -> object:
        """A ``__del__`` that tells of what dies before it is cleaned up."""

        @functools.wraps(original)
        def drop(subject: object, *given: Any) -> None:
            self.dropped(subject)
            original(subject, *given)

        return drop

    def all(self) -> list[tuple[int, Thing]]:
        """Number and thing, in the order they were made."""
        return list(self._things.items())

    def suspects(self) -> list[Thing]:
        """The things that are open or were left open."""
        return [thing for _, thing in self.all() if thing.suspect]

    def site(self) -> Site | None:
        """Where something is made now; ``PROCESS`` where it is the process's."""
        made_at = here()
        task = None if made_at is not None else _running_task()
        maker = None if task is None else self.of(task)
        return made_at if maker is None else maker.made_at


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _running_task() -> asyncio.Task[Any] | None:
    return None if running_loop() is None else asyncio.current_task()
