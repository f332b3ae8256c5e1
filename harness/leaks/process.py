"""What the process holds: threads, sockets and files.

A descriptor is known by its number and by what the system says it is (device and inode), so nothing has to keep the
object that owns it, and a number that is used again is told apart.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import os
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil

from .leak import Kind
from .notes import Notes, Thing, Trait, running_loop
from .patches import Patches
from .site import PROCESS


def put(patches: Patches, notes: Notes) -> None:
    """Note what is made, and sockets that are dropped open."""
    _Process(notes).put(patches)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor as it was when it was made."""

    number: int
    device: int
    inode: int
    text: str

    @property
    def open(self) -> bool:
        """Whether the number still stands for the same thing."""
        try:
            now = os.fstat(self.number)
        except OSError:
            return False
        return (now.st_dev, now.st_ino) == (self.device, self.inode)


class _Process:
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._executors: weakref.WeakSet[ThreadPoolExecutor] = weakref.WeakSet()
        self._descriptors = Descriptors(notes)

    def put(self, patches: Patches) -> None:
        patches.put(threading.Thread, "start", self._start_thread)
        patches.put(ThreadPoolExecutor, "__init__", self._init_executor)
        patches.put(socket.socket, "__init__", self._init_socket)
        patches.put(socket.socket, "__del__", self._drop_socket)
        patches.put(os, "open", lambda original: _Opening(self._descriptors, original))
        opening = _Opening(self._descriptors, builtins.open)
        patches.put(builtins, "open", lambda _: opening)
        patches.put(io, "open", lambda _: opening)

    def _start_thread(self, original: Any) -> object:
        @functools.wraps(original)
        def start(thread: threading.Thread) -> None:
            if self._notes.counts():
                self._notes.threads.add(thread)
            owner = _caller("self")
            if not isinstance(owner, ThreadPoolExecutor) or owner in self._executors:
                self._notes.note(_THREAD, thread)
            original(thread)

        return start

    def _init_executor(self, original: Any) -> object:
        """A pool made by the test has threads of the test; a loop's own pool, or one that was there before, has not."""

        @functools.wraps(original)
        def init(executor: ThreadPoolExecutor, *given: Any, **named: Any) -> None:
            original(executor, *given, **named)
            if self._notes.counts() and not str(_caller("__name__")).startswith("asyncio."):
                self._executors.add(executor)

        return init

    def _init_socket(self, original: Any) -> object:
        @functools.wraps(original)
        def init(sock: socket.socket, *given: Any, **named: Any) -> None:
            original(sock, *given, **named)
            listener = _caller("self")
            if self._notes.on:
                number = listener.fileno() if isinstance(listener, socket.socket) else -1
                self._descriptors.note(_SOCKET, sock.fileno(), f"{sock.family.name} {sock.type.name}", number)

        return init

    def _drop_socket(self, original: Any) -> object:
        @functools.wraps(original)
        def drop(sock: socket.socket) -> None:
            if self._notes.on and sock.fileno() >= 0:
                self._descriptors.dropped(sock.fileno())
            original(sock)

        return drop


class Descriptors:
    """The notes of descriptors, by number: the last that was given a number is the one that has it."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self._last: dict[int, Thing] = {}

    def note(self, trait: Trait, number: int, text: str, parent: int = -1) -> None:
        """Note a descriptor that has just been made; ``parent`` is that of the socket that accepted it, or -1."""
        before = self._last.pop(number, None)
        if before is not None and before.left is None:
            before.aside = True
        listener = self._last.get(parent)
        made_at = self.notes.site() or (None if listener is None else listener.made_at)
        if made_at is not None and made_at is not PROCESS and self.notes.counts():
            now = os.fstat(number)
            descriptor = Descriptor(number, now.st_dev, now.st_ino, text)
            thing = Thing(trait, lambda: descriptor, made_at, running_loop())
            self._last[number] = thing
            self.notes.add(thing)
            thing.maker = listener or thing.maker

    def dropped(self, number: int) -> None:
        """The object that owns it dies without having closed it."""
        thing = self._last.pop(number, None)
        if thing is not None and thing.open:
            thing.leave(thing.subject)


class _Opening:
    """Stands for ``open`` or ``os.open``. No function, so that a class may hold it as it may hold the built-in one."""

    def __init__(self, descriptors: Descriptors, original: Any) -> None:
        functools.update_wrapper(self, original)
        self._descriptors = descriptors
        self._original = original

    def __call__(self, *given: Any, **named: Any) -> Any:
        opened = self._original(*given, **named)
        path: Any = given[0] if given else named.get("file", named.get("path"))
        if self._descriptors.notes.on and not isinstance(path, int):
            number = opened if isinstance(opened, int) else opened.fileno()
            self._descriptors.note(_FILE, number, os.fsdecode(path))
        return opened


def join(threads: list[threading.Thread], limit_s: float) -> None:
    """Wait until all have ended, at most ``limit_s`` seconds in all."""
    end_s = time.monotonic() + limit_s
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, end_s - time.monotonic()))


def _caller(name: str) -> object:
    """A variable of the function that called the caller's caller, local or global."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame.f_back if frame is not None else None
    return None if frame is None else frame.f_locals.get(name, frame.f_globals.get(name))


def _socket_words(descriptor: Descriptor) -> str:
    for one in psutil.Process().net_connections(kind="all"):
        if one.fd == descriptor.number:
            ends = " to ".join(_address(end) for end in (one.laddr, one.raddr) if end)
            return f"descriptor {descriptor.number}, {descriptor.text} {ends} was never closed"
    return f"descriptor {descriptor.number}, {descriptor.text} was never closed"


def _address(end: Any) -> str:
    return str(end) if isinstance(end, str) else f"{end.ip}:{end.port}"


def _thread_words(thread: threading.Thread) -> str:
    return f"{thread.name}{' (a daemon)' if thread.daemon else ''} still runs"


_THREAD = Trait(Kind.THREAD, threading.Thread.is_alive, _thread_words)
_SOCKET = Trait(Kind.SOCKET, lambda one: one.open, _socket_words)
_FILE = Trait(Kind.FILE, lambda one: one.open, lambda one: f"descriptor {one.number}, {one.text} was never closed")
