"""Somebody else's chat, as small as can be: one stream at a time in a session, and none in one that was deleted.

``racy`` carries two streams at once, ``deaf`` goes on streaming in a session that was deleted, ``patient`` begins a
stream when there is another message, so that two of them surely meet. Whoever waits for deletions lets the first
stream of all come to its end alone.
"""

import asyncio
import sys
import uuid

from aiohttp import web

STREAM = {"Content-Type": "text/event-stream"}
DELTA = b'event: delta\ndata: {"text": "sea "}\n\n'
DONE = b'event: done\ndata: {"usage": {"inputTokens": 1, "outputTokens": 5}, "creditsUsed": 1}\n\n'
ERROR = b'event: error\ndata: {"message": "deleted", "errorCode": "SESSION_DELETED"}\n\n'
LATE_S = 0.15
"""How long a stream of the wrong kind still goes on."""


class Session:
    def __init__(self):
        self.asked = 0
        self.second = asyncio.Event()
        self.deleted = asyncio.Event()


class Submitter:
    def __init__(self, kind):
        self.kind = kind
        self.sessions = {}
        self.first = kind in ("sound", "deaf")

    async def create(self, _request):
        name = str(uuid.uuid4())
        self.sessions[name] = Session()
        return web.json_response({"sessionId": name}, status=201)

    async def stream(self, request):
        """A stream comes to its end once there is another message, or the session is deleted."""
        await request.read()  # the request is its last byte: it is not here before
        session = self.sessions[request.match_info["session"]]
        if session.deleted.is_set():
            return web.json_response({"message": "no", "errorCode": "SESSION_DELETED"}, status=410)
        session.asked += 1
        if session.asked == 2:
            session.second.set()
            if self.kind != "racy":
                return web.json_response({"message": "no", "errorCode": "SESSION_BUSY"}, status=409)
        if self.kind == "patient":
            await session.second.wait()
        response = web.StreamResponse(headers=STREAM)
        await response.prepare(request)
        await response.write(DELTA)
        first, self.first = self.first, False
        if not first:
            await self.over(session)
        await response.write(ERROR if session.deleted.is_set() and self.kind != "deaf" else DONE)
        return response

    async def over(self, session):
        """Wait for the other message, or for the deletion."""
        waits = [asyncio.ensure_future(one.wait()) for one in (session.second, session.deleted)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        if self.kind in ("racy", "deaf"):
            late = asyncio.Event()
            asyncio.get_running_loop().call_later(LATE_S, late.set)
            await late.wait()

    async def delete(self, request):
        self.sessions[request.match_info["session"]].deleted.set()
        return web.Response(status=204)


async def health(_request):
    return web.Response(text="ok")


async def app():
    chat = Submitter(sys.argv[2])
    made = web.Application()
    made.router.add_get("/health", health)
    made.router.add_post("/chat/sessions", chat.create)
    made.router.add_delete("/chat/sessions/{session}", chat.delete)
    made.router.add_post("/chat/sessions/{session}/stream", chat.stream)
    return made


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), print=None, handler_cancellation=True)
