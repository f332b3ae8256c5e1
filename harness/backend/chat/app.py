"""How chat is put together from its parts."""

from __future__ import annotations

from aiohttp import web

from harness.backend.accounting.pricing import load_prices
from harness.backend.common import Common
from harness.backend.settings import SettingsError

from .parts import ChatParts

ACCOUNTING = "accounting"
"""What accounting is called among the addresses that are served."""


async def build(common: Common, parts: ChatParts) -> web.Application:
    """Chat as an application. Raises SettingsError where there are no keys for the provider."""
    settings = common.settings
    if not settings.aws_access_key_id or not settings.aws_secret_access_key:
        raise SettingsError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are required: Bedrock answers chat")

    def accounting_url() -> str:
        return settings.accounting_url or common.served[ACCOUNTING]

    pricing = parts.stream_pricing(await load_prices(common.store), settings.credit_multiplier)
    models, sessions, errors = parts.models(), parts.sessions(common.store), parts.errors(common.scrubber)
    wire, journal = parts.wire(), parts.journal(common.log)
    streams = parts.streams(
        settings=settings,
        flights=common.flights,
        validator=parts.validator(),
        models=models,
        sessions=sessions,
        billing=parts.billing(parts.accounting(common.clients, accounting_url), parts.counter(), pricing),
        bedrock=parts.bedrock(common.clients, settings),
        errors=errors,
        wire=wire,
        journal=journal,
        broadcast=parts.broadcast,
    )
    service = parts.service(
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        models=models,
        sessions=sessions,
        streams=streams,
        errors=errors,
        wire=wire,
        journal=journal,
        segment_s=settings.segment_s,
    )
    return parts.front(common.flights, service).app()
