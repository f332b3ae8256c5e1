"""Event loops, and what lives by them: tasks, async generators and servers.

The end of a loop is where its things are judged: a runner cancels what is left before it closes its loop, so the
closing of both is preceded by a look. ``asyncio.Runner._loop`` is the one private attribute used: its public reader
would make a loop where there is none.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any

from .leak import Kind
from .notes import Notes, Trait
from .patches import Patches
from .site import Site, of_code

Look = Callable[[asyncio.AbstractEventLoop], None]
"""Called with a loop that is about to be closed."""


def put(patches: Patches, notes: Notes, look: Look) -> None:
    """Note what is made; call ``look`` before a loop closes."""
    loops = _Loops(notes, look)
    patches.put(asyncio.BaseEventLoop, "__init__", loops.init_loop)
    patches.put(asyncio.BaseEventLoop, "__del__", notes.dropping)
    patches.put(asyncio.BaseEventLoop, "create_task", loops.create_task)
    patches.put(asyncio.BaseEventLoop, "call_exception_handler", loops.call_exception_handler)
    patches.put(asyncio.Server, "__init__", loops.init_server)
    patches.put(asyncio.SelectorEventLoop, "close", loops.close_loop)
    patches.put(asyncio.Runner, "close", loops.close_runner)
    patches.put(sys, "set_asyncgen_hooks", loops.set_hooks)


class _Loops:
    def __init__(self, notes: Notes, look: Look) -> None:
        self._notes = notes
        self._look = look
        self._seen: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    def init_loop(self, original: Any) -> object:
        @functools.wraps(original)
        def init(loop: asyncio.AbstractEventLoop, *given: Any, **named: Any) -> None:
            original(loop, *given, **named)
            self._notes.note(_LOOP, loop)

        return init

    def create_task(self, original: Any) -> object:
        @functools.wraps(original)
        def create_task(loop: asyncio.AbstractEventLoop, coro: Any, *given: Any, **named: Any) -> asyncio.Task[Any]:
            task: asyncio.Task[Any] = original(loop, coro, *given, **named)
            trace = getattr(task, "_source_traceback", None)
            if trace:  # a loop in debug mode: the last line of the trace is this wrapper's
                del trace[-1]
            self._seen.add(task)
            self._notes.note(_TASK, task, loop=loop, otherwise=_of_coroutine(coro))
            return task

        return create_task

    def call_exception_handler(self, original: Any) -> object:
        """How a task that dies pending tells of itself."""

        @functools.wraps(original)
        def call(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            self._notes.dropped(context.get("task"))
            original(loop, context)

        return call

    def init_server(self, original: Any) -> object:
        @functools.wraps(original)
        def init(server: asyncio.Server, *given: Any, **named: Any) -> None:
            original(server, *given, **named)
            self._notes.note(_SERVER, server, loop=server.get_loop())

        return init

    def close_loop(self, original: Any) -> object:
        @functools.wraps(original)
        def close(loop: asyncio.AbstractEventLoop) -> None:
            if self._notes.on and not loop.is_closed() and not loop.is_running():
                self._look(loop)
            original(loop)

        return close

    def close_runner(self, original: Any) -> object:
        @functools.wraps(original)
        def close(runner: asyncio.Runner) -> None:
            loop: asyncio.AbstractEventLoop | None = getattr(runner, "_loop", None)
            if self._notes.on and loop is not None and not loop.is_running():
                self._find_tasks(loop)
                self._look(loop)
            original(runner)

        return close

    def _find_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tasks that no ``create_task`` of ours has seen: made by hand, or by a loop that is not written in Python."""
        for task in asyncio.all_tasks(loop):
            if task not in self._seen:
                self._notes.note_found(_TASK, task, _of_coroutine(task.get_coro()), loop)

    def set_hooks(self, original: Any) -> object:
        """A loop sets these hooks whenever it runs, and puts back those it found."""

        @functools.wraps(original)
        def set_hooks(*given: Any, **named: Any) -> None:
            hooks = dict(zip(("firstiter", "finalizer"), given, strict=False)) | named
            if hooks.get("firstiter") is not None and not isinstance(hooks["firstiter"], _First):
                hooks["firstiter"] = _First(self._notes, hooks["firstiter"])
            if hooks.get("finalizer") is not None and not isinstance(hooks["finalizer"], _Last):
                hooks["finalizer"] = _Last(self._notes, hooks["finalizer"])
            original(**hooks)

        return set_hooks


class _First:
    """Told of each async generator that takes its first step; tells whoever asked for that first."""

    def __init__(self, notes: Notes, then: Callable[[Any], object]) -> None:
        self._notes = notes
        self._then = then

    def __call__(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._notes.note(_GENERATOR, generator, otherwise=_of_coroutine(generator))
        self._then(generator)


class _Last:
    """Told of each async generator that the garbage collector found unfinished.

    Where its code is a library's, closing it is the library's affair.
    """

    def __init__(self, notes: Notes, then: Callable[[Any], object]) -> None:
        self._notes = notes
        self._then = then

    def __call__(self, generator: AsyncGenerator[Any, Any]) -> None:
        if _of_coroutine(generator) is not None:
            self._notes.dropped(generator)
        self._then(generator)


def _of_coroutine(subject: Any) -> Site | None:
    """Where the code of a coroutine, an async generator or a generator begins."""
    for name in ("cr_code", "ag_code", "gi_code"):
        code = getattr(subject, name, None)
        if code is not None:
            return of_code(code)
    return None


def _task_words(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    site = of_code(frames[0].f_code) if frames else None
    at = f", waiting at {Site(site.path, frames[0].f_lineno)}" if site is not None else ""
    return f"{task.get_name()} ({_name(task.get_coro())}) is still pending{at}"


def _server_words(server: asyncio.Server) -> str:
    addresses = ", ".join(str(one.getsockname()) for one in server.sockets)
    return f"a server still listens on {addresses}"


def _name(subject: object) -> str:
    return str(getattr(subject, "__qualname__", type(subject).__qualname__))


_LOOP = Trait(Kind.LOOP, lambda loop: not loop.is_closed(), lambda loop: f"{type(loop).__name__} was never closed")
_TASK = Trait(Kind.TASK, lambda task: not task.done(), _task_words)
_SERVER = Trait(Kind.SERVER, lambda server: bool(server.sockets), _server_words)
_GENERATOR = Trait(
    Kind.GENERATOR,
    lambda generator: generator.ag_frame is not None,
    lambda generator: f"{_name(generator)} was left between two items",
)
