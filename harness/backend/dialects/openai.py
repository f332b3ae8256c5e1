"""OpenAI's own protocol: what is asked goes out as it is, and comes back as the provider sent it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import openai
from openai import AsyncStream

from harness.backend.clients import ANSWERED, ProviderClients
from harness.backend.failure import (
    Kind,
    UpstreamError,
    broken_off,
    kind_of_status,
    object_of,
    told,
    told_in_band,
    too_late,
    unreadable,
)
from harness.backend.providers import Provider

from . import Json

_PATH = "/chat/completions"


class OpenAI:
    """Chat completions of ``openai``, ``groq`` and whatever speaks as they do."""

    def __init__(self, clients: ProviderClients) -> None:
        self._clients = clients

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Json:
        """A whole answer: a JSON object of whatever content."""
        with translated(streaming=False):
            answer = await self._clients.client(provider).post(_PATH, cast_to=object, body=body)
        return object_of(answer)

    async def models(self, provider: Provider) -> Json:
        """The provider's list of its models."""
        with translated(streaming=False):
            answer = await self._clients.client(provider).get("/models", cast_to=object)
        return object_of(answer)

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Json]]:
        """The chunks of a streamed answer as they come, up to ``[DONE]`` or the end."""
        with translated(streaming=True):
            stream = await self._open(provider, body)
        try:
            _require_events(stream)
            async with aclosing(self._chunks(stream)) as chunks:
                yield chunks
        finally:
            await stream.close()

    async def _open(self, provider: Provider, body: Mapping[str, Any]) -> AsyncStream[object]:
        """Ask for a stream; what is returned has a response with a head of 2xx."""
        client = self._clients.client(provider)
        asked = {**body, "stream": True}
        return await client.post(_PATH, cast_to=object, body=asked, stream=True, stream_cls=AsyncStream[object])

    async def _chunks(self, stream: AsyncStream[object]) -> AsyncGenerator[Json, None]:
        with translated(streaming=True):
            async for chunk in stream:
                if not isinstance(chunk, dict):
                    raise UpstreamError(Kind.INVALID, "an event of the provider's stream is not a JSON object")
                yield chunk


def kind_in_band(error: Mapping[str, Any]) -> Kind:
    """What an error object inside a stream means: by a status in it, else by the words of its type and code."""
    for name in ("status_code", "status", "code"):
        number = error.get(name)
        if isinstance(number, int) and 400 <= number <= 599:
            return kind_of_status(number)
    words = f"{error.get('type')} {error.get('code')}".lower()
    for part, kind in _WORDS:
        if part in words:
            return kind
    return Kind.UNAVAILABLE


_WORDS = (
    ("rate_limit", Kind.RATE_LIMITED),
    ("authentication", Kind.AUTH),
    ("api_key", Kind.AUTH),
    ("permission", Kind.AUTH),
    ("not_found", Kind.NOT_FOUND),
    ("timeout", Kind.TIMEOUT),
    ("invalid_request", Kind.REFUSED),
)


@contextmanager
def translated(*, streaming: bool) -> Iterator[None]:
    """The library's exceptions as UpstreamError."""
    try:
        yield
    except openai.APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        raise told(error.status_code, body, retry_after=error.response.headers.get("retry-after")) from error
    except openai.APITimeoutError as error:
        raise too_late() from error
    except openai.APIConnectionError as error:
        raise broken_off(answered=bool(error.request.extensions.get(ANSWERED)), streaming=streaming) from error
    except openai.APIError as error:
        body = error.body if isinstance(error.body, dict) else {"message": error.body}
        raise told_in_band(kind_in_band(body), body) from error
    except (ValueError, RecursionError) as error:
        raise unreadable(error) from error


def _require_events(stream: AsyncStream[object]) -> None:
    label = stream.response.headers.get("content-type", "")
    if label and label.partition(";")[0].strip().lower() != "text/event-stream":
        raise UpstreamError(Kind.INVALID, "the provider's stream is not labelled text/event-stream")
