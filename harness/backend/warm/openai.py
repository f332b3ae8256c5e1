"""The backend itself, and the library that OpenAI, Groq and compatible endpoints are called with."""

from __future__ import annotations

from harness.backend import serve
from harness.backend.clients import trusted

from . import late

late(
    (
        "aiosqlite",
        "anyio._backends._asyncio",
        "anyio.streams.tls",
        "concurrent.futures.thread",
        "h11",
        "httpcore2",
        "openai.lib.streaming.chat",
        "openai.resources.chat.chat",
        "truststore",
    )
)

trusted()

__all__ = ["serve"]
