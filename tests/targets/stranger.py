"""Somebody else's gateway, as small as can be: it checks a token and passes everything on to its provider."""

import os
import sys

import aiohttp
from aiohttp import web

TOKEN = "Bearer a-token-of-the-strangers"


async def health(_request):
    return web.Response(text="ok")


async def chat(request):
    if request.headers.get("Authorization") != TOKEN:
        return web.json_response({"error": "who are you?"}, status=401)
    url = os.environ["UPSTREAM"] + "/chat/completions"
    headers = {"Authorization": "Bearer sk-strangers-own", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=await request.read(), headers=headers) as answer,
    ):
        response = web.StreamResponse(status=answer.status)
        response.content_type = answer.content_type
        await response.prepare(request)
        async for data in answer.content.iter_any():
            await response.write(data)
        await response.write_eof()
        return response


def main():
    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_post("/v1/chat/completions", chat)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
