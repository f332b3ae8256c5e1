"""Calls to providers that speak OpenAI's protocol, and what can go wrong with them, in one vocabulary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Any

import openai
from openai import AsyncStream

from .clients import ANSWERED, ProviderClients
from .flights import Flight
from .providers import Provider

_PATH = "/chat/completions"


class Kind(StrEnum):
    """What went wrong at a provider."""

    AUTH = "auth"  # it refused our key
    NOT_FOUND = "not-found"  # it has no such model
    REFUSED = "refused"  # it refused the request itself, and said why
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"  # it failed by its own account
    UNREACHABLE = "unreachable"  # no connection, or none that gave an answer
    TIMEOUT = "timeout"
    INVALID = "invalid"  # it answered what its protocol does not allow
    INCOMPLETE = "incomplete"  # its stream ended without an end


class UpstreamError(Exception):
    """A provider failed. ``words`` are the provider's own (they may hold a key) and empty where it said nothing.

    ``said`` is whether the provider told us so itself, rather than falling silent or breaking off. ``type`` and
    ``code`` are those of the provider's error object.
    """

    def __init__(
        self,
        kind: Kind,
        why: str,
        *,
        words: str = "",
        status: int | None = None,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        said: bool = False,
    ) -> None:
        self.kind = kind
        self.words = words
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.said = said
        super().__init__(why)


class Upstream:
    """Chat completions, whole or streamed, as the decoded JSON that the provider sent."""

    def __init__(self, clients: ProviderClients) -> None:
        self._clients = clients

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> dict[str, Any]:
        """A whole answer: a JSON object of whatever content. Raises UpstreamError."""
        with _translated(streaming=False):
            answer = await self._clients.client(provider).post(_PATH, cast_to=object, body=body)
        return _object(answer)

    async def models(self, provider: Provider) -> dict[str, Any]:
        """The provider's list of its models, which costs nothing to ask for. Raises UpstreamError."""
        with _translated(streaming=False):
            answer = await self._clients.client(provider).get("/models", cast_to=object)
        return _object(answer)

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The chunks of a streamed answer as they come, up to ``[DONE]`` or the end; closed with the block.

        Raises UpstreamError on entering, or from the iterator.
        """
        with _translated(streaming=True):
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
        return await client.post(_PATH, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object])

    async def _chunks(self, stream: AsyncStream[object]) -> AsyncGenerator[dict[str, Any], None]:
        with _translated(streaming=True):
            async for chunk in stream:
                if not isinstance(chunk, dict):
                    raise UpstreamError(Kind.INVALID, "an event of the provider's stream is not a JSON object")
                yield chunk


@asynccontextmanager
async def limited(flight: Flight, limit_s: float) -> AsyncIterator[None]:
    """The time limit of a whole call, as a provider's time-out."""
    try:
        async with asyncio.timeout(limit_s) as flight.limit:
            yield
    except TimeoutError as late:
        raise UpstreamError(Kind.TIMEOUT, "the call took longer than it may") from late
    finally:
        flight.limit = None


def choices_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The choices of an answer or chunk; none where the field is absent. Raises UpstreamError."""
    choices = answer.get("choices")
    if choices is None:
        return []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise UpstreamError(Kind.INVALID, "the provider's choices are not a list of objects")
    return choices


def part_of(choice: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """The delta or message of a choice, its content a text or null. Raises UpstreamError."""
    theirs = choice.get(part)
    if not isinstance(theirs, dict) or not isinstance(theirs.get("content"), str | None):
        raise UpstreamError(Kind.INVALID, f"the provider's {part} is not an object with a text for content")
    return theirs


def kind_of_status(status: int) -> Kind:
    """What a status code of 300 or above means."""
    known = {401: Kind.AUTH, 403: Kind.AUTH, 404: Kind.NOT_FOUND, 408: Kind.TIMEOUT, 429: Kind.RATE_LIMITED}
    if status in known:
        return known[status]
    if status in (400, 413, 422):
        return Kind.REFUSED
    return Kind.INVALID if status < 400 else Kind.UNAVAILABLE


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
def _translated(*, streaming: bool) -> Iterator[None]:
    """The library's exceptions as UpstreamError."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _from_status(error) from error
    except openai.APITimeoutError as error:
        raise UpstreamError(Kind.TIMEOUT, "the provider took too long") from error
    except openai.APIConnectionError as error:
        raise _from_connection(error, streaming=streaming) from error
    except openai.APIError as error:
        raise _from_band(error) from error
    except (ValueError, RecursionError) as error:
        raise UpstreamError(Kind.INVALID, f"the provider's answer cannot be read: {type(error).__name__}") from error


def _from_status(error: openai.APIStatusError) -> UpstreamError:
    body = error.body if isinstance(error.body, dict) else {}
    return UpstreamError(
        kind_of_status(error.status_code),
        f"the provider answered {error.status_code}",
        words=_words(body),
        status=error.status_code,
        type=_text(body.get("type")),
        code=_text(body.get("code")),
        param=_text(body.get("param")),
        retry_after=error.response.headers.get("retry-after"),
        said=True,
    )


def _from_connection(error: openai.APIConnectionError, *, streaming: bool) -> UpstreamError:
    if not error.request.extensions.get(ANSWERED):
        return UpstreamError(Kind.UNREACHABLE, "the provider cannot be reached")
    if streaming:
        return UpstreamError(Kind.INCOMPLETE, "the provider broke off its stream")
    return UpstreamError(Kind.INVALID, "the provider broke off its answer")


def _from_band(error: openai.APIError) -> UpstreamError:
    body = error.body if isinstance(error.body, dict) else {"message": error.body}
    return UpstreamError(
        kind_in_band(body),
        "the provider said inside its stream that it failed",
        words=_words(body),
        type=_text(body.get("type")),
        code=_text(body.get("code")),
        param=_text(body.get("param")),
        said=True,
    )


def _require_events(stream: AsyncStream[object]) -> None:
    label = stream.response.headers.get("content-type", "")
    if label and label.partition(";")[0].strip().lower() != "text/event-stream":
        raise UpstreamError(Kind.INVALID, "the provider's stream is not labelled text/event-stream")


def _object(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise UpstreamError(Kind.INVALID, "the provider's answer is not a JSON object")
    return answer


def _words(body: Mapping[str, Any]) -> str:
    return _text(body.get("message")) or ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
