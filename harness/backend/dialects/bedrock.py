"""Amazon Bedrock's Converse, through its published client library.

The library reads half a frame at the end as if nothing were missing, reads whatever its label says, and notices no
missing end: all three are ours to see.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any

import aiohttp
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    EventStreamError,
    HTTPClientError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from harness.backend.clients import ProviderClients
from harness.backend.failure import (
    Kind,
    UpstreamError,
    broken_off,
    kind_of_status,
    told,
    told_in_band,
    too_late,
    unreadable,
)
from harness.backend.providers import Provider

from . import Json
from .converse import Chunks, completion, converse_request

JSON, EVENTS = "application/json", "application/vnd.amazon.eventstream"

STATUSES: Mapping[str, int] = {
    "validationException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
    "modelTimeoutException": 408,
    "modelErrorException": 424,
    "modelStreamErrorException": 424,
    "throttlingException": 429,
    "internalServerException": 500,
    "serviceUnavailableException": 503,
}
"""The status that each exception has (API reference, ConverseStream: errors), inside a stream too."""

UNTOLD_STATUS = 500


class Bedrock:
    """Chat completions of the models that Bedrock has."""

    def __init__(self, clients: ProviderClients) -> None:
        self._clients = clients

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Json:
        """A whole answer."""
        del provider
        asked = converse_request(body)
        with translated(streaming=False):
            answer = await (await self._client()).converse(**asked)
        _require(answer, JSON)
        return completion(answer, asked["modelId"])

    async def models(self, provider: Provider) -> Json:
        """No list: Bedrock's runtime has none. Raises UpstreamError."""
        del provider
        raise UpstreamError(Kind.NOT_FOUND, "Bedrock's runtime has no list of models")

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Json]]:
        """The chunks of a streamed answer as they come, up to its metadata or the end."""
        del provider
        asked = converse_request(body)
        client = await self._client()
        with translated(streaming=True):
            async with asyncio.timeout(self._clients.settings.first_byte_s):
                answer = await client.converse_stream(**asked)
        frames = answer["stream"]
        try:
            _require(answer, EVENTS)
            made = Chunks(answer["ResponseMetadata"].get("RequestId"), asked["modelId"])
            async with aclosing(aiter(frames)) as events, aclosing(self._chunks(events, made)) as chunks:
                yield chunks
        finally:
            frames.close()

    async def _client(self) -> Any:
        client = await self._clients.bedrock()
        client.meta.events.register("before-parse.bedrock-runtime.Converse", _without_nan, unique_id="without-nan")
        return client

    async def _chunks(self, events: AsyncIterator[Any], made: Chunks) -> AsyncGenerator[Json, None]:
        while not made.ended:
            with translated(streaming=True):
                async with asyncio.timeout(self._clients.settings.segment_s):
                    event = await anext(events, None)
            if event is None:
                return
            for chunk in made.of(event):
                yield chunk


def _without_nan(response_dict: dict[str, Any], **_others: Any) -> None:
    """Numbers that JSON does not have count as absent: the library cannot make its integers of them."""
    body = response_dict["body"]
    if b"NaN" in body or b"Infinity" in body:
        with suppress(ValueError, RecursionError):  # no JSON: the library says so itself
            response_dict["body"] = json.dumps(json.loads(body, parse_constant=lambda _: None)).encode()


def _require(answer: Mapping[str, Any], wanted: str) -> None:
    """The library reads an answer whatever its label: one of another kind is none."""
    label = answer["ResponseMetadata"]["HTTPHeaders"].get("content-type", "")
    if label.partition(";")[0].strip().lower() != wanted:
        raise UpstreamError(Kind.INVALID, f"the provider's answer is not labelled {wanted}")


@contextmanager
def translated(*, streaming: bool) -> Iterator[None]:
    """The library's exceptions as UpstreamError."""
    try:
        yield
    except EventStreamError as error:
        raise _in_band(error.response.get("Error") or {}) from error
    except ClientError as error:
        raise _from_status(error) from error
    except ParamValidationError as error:
        words = str(error)  # about the caller's own request, which never left
        raise UpstreamError(Kind.REFUSED, "the request is none of this provider's", words=words) from error
    except (TimeoutError, ConnectTimeoutError, ReadTimeoutError) as error:
        raise too_late() from error
    except (ResponseStreamingError, aiohttp.ClientPayloadError) as error:
        raise broken_off(answered=True, streaming=streaming) from error
    except (ConnectionClosedError, EndpointConnectionError, HTTPClientError, aiohttp.ClientError) as error:
        raise broken_off(answered=_in_the_body(error), streaming=streaming) from error
    except (ParserError, BotoCoreError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise unreadable(error) from error


def _in_the_body(error: Exception) -> bool:
    """Whether the connection broke in the middle of an answer, which the library calls closed before a valid one."""
    return isinstance(error.__cause__ or error.__context__, aiohttp.ClientPayloadError)


def _from_status(error: ClientError) -> UpstreamError:
    answer = error.response["ResponseMetadata"]
    said = error.response.get("Error") or {}
    body = {"message": said.get("Message"), "type": said.get("Code")}
    return told(answer["HTTPStatusCode"], body, retry_after=answer.get("HTTPHeaders", {}).get("retry-after"))


def _in_band(said: Mapping[str, Any]) -> UpstreamError:
    name = str(said.get("Code") or "")
    status = STATUSES.get(name[:1].lower() + name[1:], UNTOLD_STATUS)
    return told_in_band(kind_of_status(status), {"message": said.get("Message"), "type": name or None})
