"""How the gateway is put together from its parts."""

from __future__ import annotations

from aiohttp import web

from harness.backend.common import Common

from .catalogue import load_catalogue
from .parts import GatewayParts


async def build(common: Common, parts: GatewayParts) -> web.Application:
    """The gateway as an application, its tables seeded and read."""
    listings, prices = await load_catalogue(common.store)
    pricing = parts.pricing(common.settings, prices)
    catalogue = parts.catalogue(common.settings, listings, common.providers, pricing)
    counter = parts.counter()
    errors = parts.errors(common.scrubber)
    wire = parts.wire()
    calls = parts.calls(
        settings=common.settings,
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        upstream=common.upstream,
        validator=parts.validator(),
        catalogue=catalogue,
        billing=parts.billing(common.accounts, pricing, counter),
        errors=errors,
        wire=wire,
        relay=parts.relay(wire),
        terminals=parts.terminals(wire, common.settings.segment_s),
        journal=parts.journal(common.log, counter),
    )
    front = parts.front(common.flights, calls, catalogue, errors)
    app = front.application()
    app.on_response_prepare.append(front.mark)
    app.router.add_post("/v1/chat/completions", front.chat)
    app.router.add_get("/v1/models", front.models)
    return app
