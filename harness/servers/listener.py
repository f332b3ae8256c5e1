"""One listening address that can be taken away and brought back under its port."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage

from harness.core.errors import PortInUse

HOST = "127.0.0.1"
BODY_LIMIT_BYTES = 64 * 1024 * 1024
_LINGER_NOT = struct.pack("ii", 1, 0)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """Serves HTTP on 127.0.0.1. Its handlers are cancelled at once when their peer leaves.

    While it is withdrawn the port stays bound and nobody listens there: the kernel refuses every connection, and
    no other process can take the port.
    """

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self.port = port
        self._handler = handler
        self._socket: socket.socket | None = None  # bound, nobody listens
        self._accepting: asyncio.Server | None = None
        self._listening = False
        self._http: web.Server | None = None

    async def open(self) -> None:
        """Listen; on the first call at any free port, if none was asked for.

        Raises:
            PortInUse: something else listens there.
        """
        bound = self._socket or self._bind()
        self._http = web.Server(
            self._handler, request_factory=_request, handler_cancellation=True, access_log=None, lingering_time=0
        )
        self._listening = True
        try:
            self._accepting = await asyncio.get_running_loop().create_server(self._protocol, sock=bound)
        except OSError:
            bound.close()
            raise PortInUse(HOST, self.port) from None
        finally:
            self._socket = None  # the server's from here on

    async def withdraw(self, *, keep_port: bool = True) -> None:
        """Stop listening, and reset every connection, idle or not. Done when all handlers have returned."""
        if self._accepting is None or self._http is None:
            return
        self._listening = False
        self._accepting.close()
        self._accepting = None
        if keep_port:
            self._socket = self._bind()
        while self._http.connections:
            for connection in self._http.connections:
                if connection.transport is not None:
                    reset(connection.transport)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Withdraw, and give the port back."""
        await self.withdraw(keep_port=False)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _bind(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        try:
            bound.bind((HOST, self.port))
        except OSError:
            bound.close()
            raise PortInUse(HOST, self.port) from None
        self.port = bound.getsockname()[1]
        return bound

    def _protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection; one that was accepted while we withdrew is reset."""
        return self._http() if self._http is not None and self._listening else _Refusal()


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            reset(transport)


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection with a TCP reset: what is not sent yet is dropped, and the peer reads an error."""
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """A request whose body may be larger than the library's own limit."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT_BYTES)
