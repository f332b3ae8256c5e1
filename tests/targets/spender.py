"""Somebody else's gateway with a balance that pays for three calls. ``racy`` looks at it first and takes it later.

It answers once eight requests have been placed or refused: a race on it has one outcome every time.
"""

import asyncio
import sys

from aiohttp import web

CALLERS, BALANCE = 8, 3


class Spender:
    def __init__(self, *, racy):
        self.balance = BALANCE
        self.racy = racy
        self.looked = asyncio.Barrier(CALLERS)
        self.placed = asyncio.Barrier(CALLERS)

    async def take(self):
        enough = self.balance > 0
        if self.racy:
            await self.looked.wait()
        if enough:
            self.balance -= 1
        return enough

    async def chat(self, request):
        asked = await request.json()
        paid = await self.take()
        await self.placed.wait()
        if not paid:
            return web.json_response({"error": {"message": "too few", "type": "credits", "code": "no"}}, status=402)
        message = {"role": "assistant", "content": "The sea is wide."}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "choices": choices}
        return web.json_response(answer | {"model": asked["model"]})


async def health(_request):
    return web.Response(text="ok")


async def app():
    spender = Spender(racy=sys.argv[2] == "racy")
    made = web.Application()
    made.router.add_get("/health", health)
    made.router.add_post("/v1/chat/completions", spender.chat)
    return made


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
