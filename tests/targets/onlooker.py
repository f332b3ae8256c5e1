"""Somebody else's chat, as small as can be: streams that supervisors may observe. ``late`` never lets them in."""

import asyncio
import sys
import uuid

from aiohttp import web

WORDS = 5
STREAM = {"Content-Type": "text/event-stream"}
NOT_ACTIVE = {"message": "No active streaming session found for observation", "errorCode": "SESSION_NOT_ACTIVE"}
DELTA = b'event: delta\ndata: {"text": "sea "}\n\n'
DONE = b'event: done\ndata: {"usage": {"inputTokens": 1, "outputTokens": 5}, "creditsUsed": 1}\n\n'


class Onlooker:
    def __init__(self, *, late):
        self.late = late
        self.streaming = {}

    async def create(self, _request):
        return web.json_response({"sessionId": str(uuid.uuid4())}, status=201)

    async def stream(self, request):
        """Words, and the end once somebody has looked on and left: so that there always is something to see."""
        left = self.streaming.setdefault(request.match_info["session"], asyncio.Event())
        response = await begun(request, web.StreamResponse(headers=STREAM))
        await response.write(DELTA * WORDS)
        await left.wait()
        await response.write(DONE)
        return response

    async def observe(self, request):
        known = request.match_info["session"] in self.streaming
        left = self.streaming.setdefault(request.match_info["session"], asyncio.Event())
        if not known:
            left.set()
            return web.json_response(NOT_ACTIVE, status=404)
        if self.late:
            await begun(request, web.json_response(NOT_ACTIVE, status=404))
        else:
            response = await begun(request, web.StreamResponse(headers=STREAM))
            await response.write(DELTA * WORDS + DONE)
            await response.write_eof()
        try:
            await asyncio.Event().wait()  # until the client has read it and leaves, which cancels this
        finally:
            left.set()


async def begun(request, response):
    await response.prepare(request)
    if isinstance(response, web.Response):
        await response.write_eof()
    return response


async def health(_request):
    return web.Response(text="ok")


async def app():
    chat = Onlooker(late=sys.argv[2] == "late")
    made = web.Application()
    made.router.add_get("/health", health)
    made.router.add_post("/chat/sessions", chat.create)
    made.router.add_post("/chat/sessions/{session}/stream", chat.stream)
    made.router.add_get("/chat/sessions/{session}/observe", chat.observe)
    return made


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), print=None, handler_cancellation=True)
