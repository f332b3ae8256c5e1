"""Carries out a plan on a connection, and notes what was sent, when, and how it ended."""

from __future__ import annotations

import asyncio

from aiohttp import HttpVersion11, web
from multidict import CIMultiDict

from harness.core.draft import Draft
from harness.core.recording import Ending
from harness.providers.plan import Pause, Plan, Reset, Stall, Step, Write

from .gate import BEFORE_HEADERS, before_headers
from .listener import reset
from .script import Script


class Performance:
    """One answer while it is given. A write is noted before it is made, so nobody has read what is not noted yet."""

    def __init__(self, request: web.BaseRequest, draft: Draft, script: Script) -> None:
        self._request = request
        self._draft = draft
        self._script = script
        self._passed = -1  # the count of content events whose gates are behind us

    async def give(self, plan: Plan) -> web.StreamResponse:
        """Send the answer; the peer's leaving ends it wherever it stands, held or silent."""
        response = web.StreamResponse(status=plan.status, reason=plan.reason, headers=CIMultiDict(plan.headers))
        if plan.chunked and self._request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        elif not plan.chunked:
            response.content_length = len(plan.body) if plan.length is None else plan.length
        try:
            await self._send(plan, response)
        except asyncio.CancelledError:
            self.end(Ending.CLIENT_CLOSE)
            raise
        except ConnectionError:  # seen on writing; there is nobody left to answer
            self.end(Ending.CLIENT_CLOSE)
        return response

    def end(self, ending: Ending) -> None:
        """Note how the exchange ended; only the first time counts."""
        if self._draft.open:
            self._draft.end(self._script.recorder.now(), ending)
            self._script.finished(self._draft)

    async def _send(self, plan: Plan, response: web.StreamResponse) -> None:
        for point in (BEFORE_HEADERS, before_headers(self._draft.operation)):
            if gate := self._script.gates.get(point):
                await gate.hold()
        for wait in plan.before:
            await self._do(wait, response)
        await self._head(response)
        await self._gates(0)
        for step in plan.steps[:-1]:
            await self._do(step, response)
        last = plan.steps[-1] if plan.steps else None
        if isinstance(last, Write) and not self._due(last.content):
            self._note(last.data)  # with the end of the message in one segment: who stops reading here saw it all
            await response.write_eof(last.data)
        else:
            if last is not None:
                await self._do(last, response)
            await response.write_eof()
        self.end(Ending.EOF)

    async def _head(self, response: web.StreamResponse) -> None:
        """Send the head at once, in a segment of its own."""
        at_ns = self._script.recorder.now()
        await response.prepare(self._request)
        self._draft.head(at_ns, response.status, response.reason or "", tuple(response.headers.items()))

    async def _do(self, step: Step, response: web.StreamResponse) -> None:
        """Carry out one step. After a reset or a stall this is cancelled, by the loss of the connection."""
        match step:
            case Write(data, content):
                self._note(data)
                await response.write(data)
                await asyncio.sleep(0)  # a segment of its own, and a chance to see the peer leave
                await self._gates(content)
            case Pause(ms):
                await asyncio.sleep(ms / 1000)
            case Stall():
                await asyncio.get_running_loop().create_future()
            case Reset():
                self.end(Ending.RESET)
                if self._request.transport is not None:
                    reset(self._request.transport)
                await asyncio.get_running_loop().create_future()

    def _note(self, data: bytes) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the peer has left")
        self._draft.segment(self._script.recorder.now(), data)

    def _due(self, content: int) -> list[int]:
        """The points with a gate that this many content events have come to, and not passed yet."""
        points = (point for point in self._script.gates if isinstance(point, int))
        return sorted(point for point in points if self._passed < point <= content)

    async def _gates(self, content: int) -> None:
        for point in self._due(content):
            await self._script.gates[point].hold()
        self._passed = max(self._passed, content)
