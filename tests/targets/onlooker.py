"""Somebody else's chat, as small as can be: streams that supervisors may observe. ``late`` never lets them in."""

import asyncio
import sys
import uuid

from aiohttp import web

WORDS = 5
DELTA = b'event: delta\ndata: {"text": "sea "}\n\n'
DONE = b'event: done\ndata: {"usage": {"inputTokens": 1, "outputTokens": 5}, "creditsUsed": 1}\n\n'


class Onlooker:
    def __init__(self, *, late):
        self.late = late
        self.streaming = {}

    async def create(self, _request):
        return web.json_response({"sessionId": str(uuid.uuid4())}, status=201)

    async def stream(self, request):
        """Words, and the end once somebody asked to look on: so that there always is something to see."""
        asked = self.streaming.setdefault(request.match_info["session"], asyncio.Event())
        response = await begun(request)
        for _ in range(WORDS):
            await response.write(DELTA)
        await asked.wait()
        await response.write(DONE)
        return response

    async def observe(self, request):
        asked = self.streaming.get(request.match_info["session"])
        if asked is not None:
            asked.set()
        if asked is None or self.late:
            told = {"message": "No active streaming session found for observation", "errorCode": "SESSION_NOT_ACTIVE"}
            return web.json_response(told, status=404)
        response = await begun(request)
        await response.write(DELTA * WORDS + DONE)
        return response


async def begun(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
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
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
