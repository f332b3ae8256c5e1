"""aiohttp's sessions, connectors and responses.

The only module here that touches aiohttp's private attributes; ``tests/leaks/test_client.py`` runs each of them against
the installed version:

- ``BaseConnector._close`` is what every way of closing a connector comes to,
- ``BaseConnector._acquired`` and ``_conns`` hold the connections in use and at rest,
- ``ClientSession._connector_owner`` says whether closing the session closes its connector,
- ``ClientResponse._released`` tells a response that was let go from one that merely came to its end.
"""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Coroutine, Iterator
from typing import Any

import aiohttp
from aiohttp.connector import Connection

from .leak import Kind
from .notes import Notes, Trait
from .patches import Patches


def put(patches: Patches, notes: Notes) -> None:
    """Note what is made, and what is dropped open."""
    _Clients(notes).put(patches)


class _Clients:
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._started: weakref.WeakSet[aiohttp.ClientResponse] = weakref.WeakSet()
        self._cut: set[int] = set()
        """Identities of responses whose connector was closed under them."""
        self._session = Trait(Kind.SESSION, lambda one: not one.closed, _unclosed)
        self._connector = Trait(Kind.CONNECTOR, lambda one: not one.closed, _unclosed)
        self._response = Trait(Kind.RESPONSE, self._unread, _response_words)

    def put(self, patches: Patches) -> None:
        patches.put(aiohttp.ClientSession, "__init__", self._init_session)
        patches.put(aiohttp.BaseConnector, "__init__", self._init_connector)
        patches.put(aiohttp.BaseConnector, "_close", self._close_connector)
        patches.put(aiohttp.ClientResponse, "start", self._start_response)
        for owner in (aiohttp.ClientSession, aiohttp.BaseConnector, aiohttp.ClientResponse):
            patches.put(owner, "__del__", self._notes.dropping)

    def _init_session(self, original: Any) -> object:
        @functools.wraps(original)
        def init(session: aiohttp.ClientSession, *given: Any, **named: Any) -> None:
            original(session, *given, **named)
            self._notes.note(self._session, session)
            connector = session.connector
            part = None if connector is None else self._notes.of(connector)
            if part is not None and session._connector_owner:  # noqa: SLF001 - aiohttp shows it nowhere else
                part.aside = True

        return init

    def _init_connector(self, original: Any) -> object:
        @functools.wraps(original)
        def init(connector: aiohttp.BaseConnector, *given: Any, **named: Any) -> None:
            original(connector, *given, **named)
            self._notes.note(self._connector, connector)

        return init

    def _close_connector(self, original: Any) -> object:
        """Closing a connector cuts its responses off: whoever holds one has not let it go by that."""

        @functools.wraps(original)
        def close(connector: aiohttp.BaseConnector, *given: Any, **named: Any) -> Any:
            if self._notes.on:
                for response in list(self._started):
                    protocol = response.connection and response.connection.protocol
                    if not response.closed and protocol in connector._acquired:  # noqa: SLF001 - connections in use
                        self._cut.add(id(response))
            return original(connector, *given, **named)

        return close

    def _start_response(self, original: Any) -> object:
        @functools.wraps(original)
        def start(response: aiohttp.ClientResponse, connection: Connection) -> Coroutine[Any, Any, Any]:
            self._cut.discard(id(response))
            self._started.add(response)
            self._notes.note(self._response, response)
            started: Coroutine[Any, Any, Any] = original(response, connection)
            return started

        return start

    def _unread(self, response: aiohttp.ClientResponse) -> bool:
        if id(response) in self._cut:
            return not response._released  # noqa: SLF001 - its end alone does not tell who brought it about
        return not response.closed and response.connection is not None


def pooled() -> Iterator[Any]:
    """The sockets that any live connector holds, in use or at rest. Walks all objects: for the rare case only."""
    for connector in gc.get_objects():
        if issubclass(type(connector), aiohttp.BaseConnector):
            resting = [protocol for held in list(connector._conns.values()) for protocol, _ in held]  # noqa: SLF001
            for protocol in [*resting, *connector._acquired]:  # noqa: SLF001 - aiohttp lists its connections only here
                if protocol.transport is not None:
                    yield protocol.transport.get_extra_info("socket")


def _unclosed(subject: object) -> str:
    return f"{type(subject).__name__} was never closed"


def _response_words(response: aiohttp.ClientResponse) -> str:
    socket = " (a WebSocket)" if response.status == 101 else ""
    return f"{response.method} {response.url} was never read to its end or released{socket}"
