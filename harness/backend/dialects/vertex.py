"""Models on Vertex AI: Claude through Anthropic's published client library, Gemini through Google's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import httpx2
from anthropic import AsyncAnthropicVertex, AsyncStream
from google.genai import Client, errors, types
from google.oauth2.credentials import Credentials

from harness.backend.clients import ANSWERED, ProviderClients, responses_noted
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
from harness.backend.google import GoogleTokens, NoCredentials
from harness.backend.providers import Provider

from . import Json, anthropic, claude, gemini

T = TypeVar("T")

_PATH = "/v1/messages"  # the client makes Vertex AI's own of it
_CLAUDE = "claude-"


class Vertex:
    """Chat completions of Google's and Anthropic's models on Vertex AI.

    Each call is made with the access token of the moment. Where it is refused, and there is another to be had, the call
    is made once more with that one.
    """

    def __init__(self, clients: ProviderClients, google: GoogleTokens) -> None:
        self._clients = clients
        self._google = google
        self._claude: dict[str, AsyncAnthropicVertex] = {}
        self._gemini: dict[str, tuple[Client, Credentials]] = {}

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Json:
        """A whole answer."""
        ask = self._ask_claude if _is_claude(body) else self._ask_gemini
        return await self._renewing(lambda token: ask(provider, token, body))

    async def models(self, provider: Provider) -> Json:
        """No list: neither library has the call. Raises UpstreamError."""
        del provider
        raise UpstreamError(Kind.NOT_FOUND, "the client libraries of Vertex AI have no list of models")

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Json]]:
        """The chunks of a streamed answer as they come, up to the end."""
        begin = self._stream_claude if _is_claude(body) else self._stream_gemini
        async with AsyncExitStack() as opened:
            yield await self._renewing(lambda token: opened.enter_async_context(begin(provider, token, body)))

    async def _renewing(self, call: Callable[[str], Awaitable[T]]) -> T:
        """A call with a good token; once more with a new one where that was refused."""
        token = await self._token()
        try:
            return await call(token)
        except UpstreamError as failure:
            if failure.status != 401 or not self._google.refused(token):
                raise
        return await call(await self._token())

    async def _token(self) -> str:
        try:
            self._google.require_project()
            return await self._google.token()
        except NoCredentials as none:
            raise UpstreamError(Kind.AUTH, str(none)) from none

    async def _ask_claude(self, provider: Provider, token: str, body: Mapping[str, Any]) -> Json:
        asked = claude.message_request(body)
        with _claudes(streaming=False):
            said = await self._claude_client(provider, token).post(_PATH, cast_to=object, body=asked)
        return claude.completion(object_of(said))

    @asynccontextmanager
    async def _stream_claude(
        self, provider: Provider, token: str, body: Mapping[str, Any]
    ) -> AsyncIterator[AsyncIterator[Json]]:
        asked = {**claude.message_request(body), "stream": True}
        with _claudes(streaming=True):
            stream = await self._claude_client(provider, token).post(
                _PATH, cast_to=object, body=asked, stream=True, stream_cls=AsyncStream[object]
            )
        async with anthropic.opened(stream) as chunks:
            yield chunks

    async def _ask_gemini(self, provider: Provider, token: str, body: Mapping[str, Any]) -> Json:
        asked = gemini.generation(body)
        with _geminis(streaming=False):
            said = await self._gemini_client(provider, token).aio.models.generate_content(
                model=asked.model, contents=list(asked.contents), config=asked.config
            )
        _require(said, "application/json")
        return gemini.completion(said, asked.model)

    @asynccontextmanager
    async def _stream_gemini(
        self, provider: Provider, token: str, body: Mapping[str, Any]
    ) -> AsyncIterator[AsyncIterator[Json]]:
        asked = gemini.generation(body)
        models = self._gemini_client(provider, token).aio.models
        responses: list[Any] = []
        with _geminis(streaming=True):
            stream: Any = await models.generate_content_stream(
                model=asked.model, contents=list(asked.contents), config=asked.config
            )
        try:
            with responses_noted(responses), _geminis(streaming=True):
                first = await anext(stream, None)  # only now does the library send the request
            async with aclosing(_chunks(first, stream, asked.model)) as chunks:
                yield chunks
        finally:
            for response in responses:  # the library leaves that to the garbage collector
                await response.aclose()
            await stream.aclose()

    def _claude_client(self, provider: Provider, token: str) -> AsyncAnthropicVertex:
        """The client of this provider, which carries the token of the moment."""
        settings = self._clients.settings
        if provider.name not in self._claude:
            self._claude[provider.name] = AsyncAnthropicVertex(
                base_url=f"{provider.base_url}/v1",
                project_id=settings.google_cloud_project,
                region=settings.google_cloud_location,
                access_token=token,
                max_retries=self._clients.max_retries,
                timeout=self._clients.limits(),
                http_client=self._clients.session,
            )
        client = self._claude[provider.name]
        client.access_token = token
        return client

    def _gemini_client(self, provider: Provider, token: str) -> Client:
        """The same of Google's client."""
        settings = self._clients.settings
        if provider.name not in self._gemini:
            credentials = Credentials(token)
            options = types.HttpOptions(base_url=provider.base_url, httpx_async_client=self._clients.session)
            client = Client(
                vertexai=True,
                project=settings.google_cloud_project,
                location=settings.google_cloud_location,
                credentials=credentials,
                http_options=options,
            )
            self._gemini[provider.name] = client, credentials
        client, credentials = self._gemini[provider.name]
        credentials.token = token
        return client


def _is_claude(body: Mapping[str, Any]) -> bool:
    return str(body["model"]).startswith(_CLAUDE)


async def _chunks(
    first: types.GenerateContentResponse | None, rest: AsyncIterator[types.GenerateContentResponse], model: str
) -> AsyncGenerator[Json, None]:
    made = gemini.Chunks(model)
    said = first
    while said is not None:
        _require(said, "text/event-stream")
        for chunk in made.of(said):
            yield chunk
        with _geminis(streaming=True):
            said = await anext(rest, None)


def _require(said: types.GenerateContentResponse, wanted: str) -> None:
    """The library reads an answer whatever its label: one of another kind is none."""
    headers = (said.sdk_http_response.headers if said.sdk_http_response else None) or {}
    label = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if label.partition(";")[0].strip().lower() != wanted:
        raise UpstreamError(Kind.INVALID, f"the provider's answer is not labelled {wanted}")


@contextmanager
def _claudes(*, streaming: bool) -> Iterator[None]:
    """As with Anthropic; the errors before an answer are Google's, which give their name as their status."""
    with anthropic.translated(streaming=streaming):
        yield


@contextmanager
def _geminis(*, streaming: bool) -> Iterator[None]:
    """The library's exceptions as UpstreamError."""
    try:
        yield
    except errors.APIError as error:
        raise _told(error) from error
    except httpx2.TimeoutException as error:
        raise too_late() from error
    except httpx2.TransportError as error:
        raise broken_off(answered=bool(error.request.extensions.get(ANSWERED)), streaming=streaming) from error
    except (errors.UnknownApiResponseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable(error) from error


def _told(error: errors.APIError) -> UpstreamError:
    """An error with a status of the response's own, or one inside a stream."""
    said = {"message": error.message, "type": error.status}
    if isinstance(error.response, httpx2.Response):
        return told(error.response.status_code, said, retry_after=error.response.headers.get("retry-after"))
    return told_in_band(kind_of_status(error.code), said)
