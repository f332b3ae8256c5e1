"""What some objects hold: their own attributes, items and closures, and what those hold.

The search does not go on through what everything hangs on: modules, classes, a function's globals, loops, tasks,
threads, loggers and the machinery of a test runner. It ends after ``MOST`` objects.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

MOST = 200_000
_ENDS = (
    type,
    ModuleType,
    CodeType,
    FrameType,
    asyncio.AbstractEventLoop,
    asyncio.Future,
    asyncio.Handle,
    threading.Thread,
    logging.Logger,
)
_RUNNERS = frozenset({"_pytest", "pytest", "pluggy"})
_ATOMS = (str, bytes, bytearray, int, float, complex, type(None))


@dataclass(frozen=True, slots=True)
class Held:
    """Identities of objects, and the descriptors that sockets, transports and files among them own."""

    ids: frozenset[int]
    descriptors: frozenset[int]


def held(roots: Iterable[object]) -> Held:
    """Everything that the roots hold, themselves included."""
    found: dict[int, object] = {}
    waiting = list(roots)
    while waiting and len(found) < MOST:
        one = waiting.pop()
        if id(one) not in found and not isinstance(one, _ATOMS):
            found[id(one)] = one
            waiting.extend(_parts(one))
    numbers = (descriptor(one) for one in list(found.values()))
    return Held(frozenset(found), frozenset(number for number in numbers if number is not None))


def descriptor(subject: object) -> int | None:
    """The descriptor that a socket, a transport or a file owns."""
    kind = type(subject)
    if issubclass(kind, asyncio.BaseTransport):
        subject = _transport_socket(subject)
        return None if subject is None else _number(subject)
    return _number(subject) if issubclass(kind, socket.socket | io.IOBase) else None


def _parts(subject: object) -> list[object]:
    kind = type(subject)
    if issubclass(kind, _ENDS) or kind.__module__.partition(".")[0] in _RUNNERS:
        return []
    if isinstance(subject, FunctionType):
        return [subject.__closure__, subject.__defaults__, subject.__kwdefaults__, subject.__dict__]
    return gc.get_referents(subject)


def _transport_socket(transport: Any) -> object | None:
    found: object | None = transport.get_extra_info("socket")
    return found


def _number(subject: Any) -> int | None:
    try:
        number = subject.fileno()
    except (OSError, ValueError):
        return None
    return number if isinstance(number, int) and number >= 0 else None
