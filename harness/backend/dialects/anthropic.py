"""Anthropic's messages, through its published client library."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic, AsyncStream

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
from .claude import Chunks, completion, message_request

STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What the type of an error means, inside a stream too (API reference, errors)."""

UNTOLD_STATUS = 500


class Anthropic:
    """Chat completions of Anthropic's models."""

    def __init__(self, clients: ProviderClients) -> None:
        self._clients = clients

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Json:
        """A whole answer."""
        asked = message_request(body)
        with translated(streaming=False):
            answer = await self._client(provider).post("/v1/messages", cast_to=object, body=asked)
        return completion(object_of(answer))

    async def models(self, provider: Provider) -> Json:
        """The provider's list of its models."""
        with translated(streaming=False):
            answer = object_of(await self._client(provider).get("/v1/models", cast_to=object))
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise UpstreamError(Kind.INVALID, "the provider's list of models is none")
        ids = [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
        data = [{"id": id_, "object": "model", "created": 0, "owned_by": provider.name} for id_ in ids]
        return {"object": "list", "data": data}

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Json]]:
        """The chunks of a streamed answer as they come, up to ``message_stop`` or the end."""
        asked = {**message_request(body), "stream": True}
        with translated(streaming=True):
            stream = await self._client(provider).post(
                "/v1/messages", cast_to=object, body=asked, stream=True, stream_cls=AsyncStream[object]
            )
        async with opened(stream) as chunks:
            yield chunks

    def _client(self, provider: Provider) -> AsyncAnthropic:
        return self._clients.anthropic(provider)


@asynccontextmanager
async def opened(stream: AsyncStream[object]) -> AsyncIterator[AsyncIterator[Json]]:
    """The chunks of a stream of Claude's, whoever carries it; closed with the block."""
    try:
        label = stream.response.headers.get("content-type", "")
        if label.partition(";")[0].strip().lower() != "text/event-stream":
            raise UpstreamError(Kind.INVALID, "the provider's stream is not labelled text/event-stream")
        async with aclosing(_chunks(stream)) as chunks:
            yield chunks
    finally:
        await stream.close()


async def _chunks(stream: AsyncStream[object]) -> AsyncGenerator[Json, None]:
    """The events are read as they are: the library passes over those without a name, an error among them."""
    made = Chunks()
    with translated(streaming=True):
        async for event in AsyncStream.raw_events(stream.response):
            if not event.data:
                continue
            for chunk in made.of(_read(event.event, event.data)):
                yield chunk
            if made.ended:
                return
        if not made.begun and _until_closed(stream.response):
            early = "the connection was closed before the answer began"
            raise httpx2.RemoteProtocolError(early, request=stream.response.request)


def _until_closed(response: httpx2.Response) -> bool:
    """Whether the end of an answer is that of its connection (RFC 9112, 6.3): one that is closed early looks whole."""
    framed = "transfer-encoding" in response.headers or "content-length" in response.headers
    return response.http_version.startswith("HTTP/1") and not framed


def _read(name: str | None, text: str) -> Json:
    """An event's object. Raises UpstreamError where it is none, or says that the provider failed."""
    try:
        data = object_of(json.loads(text))
    except (ValueError, UpstreamError):
        if name == "error":
            raise told_in_band(Kind.UNAVAILABLE, {"message": text}) from None
        raise
    error = data.get("error")
    if name == "error" or data.get("type") == "error" or error:
        raise _in_band(error if isinstance(error, dict) else {})
    return data if "type" in data else {**data, "type": name}


def _in_band(error: Mapping[str, Any]) -> UpstreamError:
    kind = error.get("type")
    status = STATUSES.get(kind, UNTOLD_STATUS) if isinstance(kind, str) else UNTOLD_STATUS
    return told_in_band(kind_of_status(status), error)


@contextmanager
def translated(*, streaming: bool) -> Iterator[None]:
    """The library's exceptions as UpstreamError."""
    try:
        yield
    except anthropic.APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        held = body.get("error")
        retry_after = error.response.headers.get("retry-after")
        raise told(error.status_code, held if isinstance(held, dict) else {}, retry_after=retry_after) from error
    except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
        raise too_late() from error
    except (anthropic.APIConnectionError, httpx2.TransportError) as error:
        raise broken_off(answered=bool(error.request.extensions.get(ANSWERED)), streaming=streaming) from error
    except (ValueError, RecursionError, anthropic.APIError) as error:
        raise unreadable(error) from error
