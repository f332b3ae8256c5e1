"""A watch over a test, and what was open at two moments of it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from harness.core.errors import UsageError

from . import client, loops, process
from .leak import Kind, Leak
from .notes import Notes, Thing, counting, running_loop
from .owners import descriptor, held
from .patches import Patches

CYCLES = 20
"""Loop cycles that what was closed gets to be really closed: a transport needs two, a server's end of it a few more."""
GRACE_S = 1.0
"""How long threads that have been told to end may take to do so."""

_BY_DESCRIPTOR = (Kind.SOCKET, Kind.FILE)
_NOT_BY_LOOP = (Kind.THREAD, Kind.FILE, Kind.LOOP)
_WATCHES: list[Watch] = []
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was open at a moment, by number."""

    things: Mapping[int, Leak]


def snapshot() -> Snapshot:
    """What is open now of all that the innermost watch has seen being made, or has seen being left open."""
    if not _WATCHES:
        raise UsageError("nothing is known of what is open", fix="Take the snapshot inside 'with Watch():'")
    return _WATCHES[-1].snapshot()


def difference(before: Snapshot, after: Snapshot) -> tuple[Leak, ...]:
    """What is open in ``after`` and was not in ``before``, in the order it was made."""
    return tuple(leak for number, leak in sorted(after.things.items()) if number not in before.things)


class Watch:
    """While it is entered, notes what is made and where. ``counting`` says in which contexts that counts."""

    def __init__(self) -> None:
        self._notes = Notes()
        self._patches = Patches()

    def __enter__(self) -> Self:
        client.put(self._patches, self._notes)
        loops.put(self._patches, self._notes, self._look)
        process.put(self._patches, self._notes)
        _WATCHES.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._notes.on = False
        self._patches.undo()
        _WATCHES.remove(self)

    def snapshot(self) -> Snapshot:
        """What is open now, nothing waited for."""
        return Snapshot({number: thing.leak() for number, thing in self._notes.all() if thing.suspect})

    def settle(self, owners: Iterable[object] = ()) -> None:
        """Let garbage, loops and threads come to rest, and put aside what the owners hold.

        An owner is an object that outlives the test, and whatever it holds is its own to close: except a response,
        which is its reader's.
        """
        if not self._notes.suspects():
            return
        with counting(on=False):
            gc.collect()
            for loop in {one.loop for one in self._notes.suspects() if one.open}:
                _cycle(loop, self._notes.suspects())
            self._put_parts_aside()
            self._put_held_aside(owners)
            threads = [one.subject for one in self._notes.suspects() if one.trait.kind is Kind.THREAD]
            process.join(threads, GRACE_S)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """A loop is about to be closed: what lives by it and is open now has been left."""
        mine = self._by(loop)
        if not mine:
            return
        tasks = [one.subject for one in mine if one.trait.kind is Kind.TASK]  # kept: a collected one is lost
        with counting(on=False):
            gc.collect()
            _cycle(loop, self._by(loop))
            self._put_parts_aside()
            carried = {descriptor(one) for one in _alive(asyncio.BaseTransport)}
            for thing in self._by(loop):
                subject = thing.subject
                if thing.trait.kind is not Kind.SOCKET or subject.number in carried:
                    thing.leave(subject)
            tasks.clear()

    def _by(self, loop: asyncio.AbstractEventLoop) -> list[Thing]:
        """The open things that cannot outlive a loop."""
        return [
            thing
            for thing in self._notes.suspects()
            if thing.loop is loop and thing.trait.kind not in _NOT_BY_LOOP and thing.open
        ]

    def _put_parts_aside(self) -> None:
        """Sockets of a connector, a server or a loop are theirs: to name the whole is enough."""
        suspects = self._notes.suspects()
        sockets = [one for one in suspects if one.trait.kind is Kind.SOCKET and one.open]
        if not sockets:
            return
        owned = {one.fileno() for one in client.pooled() if one is not None}
        owned |= {part.fileno() for server in _alive(asyncio.Server) for part in server.sockets}
        loops_made_at = {one.made_at for one in suspects if one.trait.kind is Kind.LOOP}
        for thing in sockets:
            thing.aside = thing.subject.number in owned or thing.made_at in loops_made_at

    def _put_held_aside(self, owners: Iterable[object]) -> None:
        suspects = [one for one in self._notes.suspects() if one.trait.kind is not Kind.RESPONSE]
        if not suspects:
            return
        everything = held(owners)
        for thing in suspects:
            subject = thing.subject
            if thing.trait.kind in _BY_DESCRIPTOR:
                thing.aside = subject.number in everything.descriptors
            else:
                thing.aside = id(subject) in everything.ids


def _cycle(loop: Any, things: list[Thing]) -> None:
    """Run a loop that nobody runs for a few cycles, as long as any of the things is open."""
    if loop is None or loop.is_closed() or loop.is_running() or running_loop() is not None:
        return
    for _ in range(CYCLES):
        if not any(thing.open for thing in things):
            return
        with suppress(RuntimeError):  # somebody has asked the loop to stop
            loop.run_until_complete(asyncio.sleep(0))


def _alive(kind: type[_T]) -> Iterator[_T]:
    """All objects of a class. Walks all objects there are: for the rare case only."""
    return (one for one in gc.get_objects() if issubclass(type(one), kind))
