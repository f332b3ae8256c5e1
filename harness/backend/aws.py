"""The client of Amazon Bedrock's runtime: the published library, with our limits and nothing of the environment's."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.loaders import Loader

from .settings import Settings

SIGNATURE = "v4"
"""How requests are signed; where nothing is said the environment's ``AWS_BEARER_TOKEN_BEDROCK`` is sent instead."""


SERVICE = "bedrock-runtime"


@cache
def library_data() -> Any:
    """What the library knows of the service and of AWS' endpoints: read once for all clients of a process.

    Each client would read it anew, which takes longer than many a call.
    """
    data = Loader()
    for kind in ("service-2", "endpoint-rule-set-1"):
        data.load_service_model(SERVICE, kind)
    for name in ("endpoints", "partitions"):
        data.load_data_with_path(name)
    return data


def bedrock_client(settings: Settings, *, max_retries: int) -> AbstractAsyncContextManager[Any]:
    """A client of Bedrock's; the environment's own settings of AWS do not count, nor does any profile of theirs."""
    limits = AioConfig(
        retries={"total_max_attempts": max_retries + 1, "mode": "standard"},
        connect_timeout=settings.connect_s,
        read_timeout=max(settings.first_byte_s, settings.segment_s),
        signature_version=SIGNATURE,
        ignore_configured_endpoint_urls=True,
        http_session_cls=punctual(settings.first_byte_s),
    )
    session = AioSession()
    session.register_component("data_loader", library_data())
    client: AbstractAsyncContextManager[Any] = session.create_client(
        SERVICE,
        region_name=settings.aws_region,
        endpoint_url=settings.bedrock_url or None,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key,
        config=limits,
    )
    return client


def punctual(first_byte_s: float) -> type[AIOHTTPSession]:
    """The library's session, which waits so long for the head of an answer: it has one limit for head and body."""

    class Punctual(AIOHTTPSession):  # type: ignore[misc]  # the library has no types
        async def send(self, request: Any) -> Any:
            whole = not request.stream_output
            request.stream_output = True  # so that it comes back with the head
            async with asyncio.timeout(first_byte_s):
                response = await super().send(request)
            if whole:
                await response.content
            return response

    return Punctual
