"""How the agent is put together from its parts."""

from __future__ import annotations

from aiohttp import web

from harness.backend.common import Common

from .breaker import Breaker, Breakers
from .catalogue import PRICES, VERTEX, AgentCatalogue
from .models import VertexModels
from .parts import AgentParts


def build(common: Common, parts: AgentParts) -> web.Application:
    """The agent as an application."""
    settings = common.settings
    pricing = parts.pricing(settings, PRICES)
    catalogue = parts.catalogue(settings, common.providers, pricing, common.google)
    breakers = Breakers(
        parts.breaker, common.clock, failures=settings.breaker_failures, cool_down_s=settings.breaker_cool_down_s
    )
    errors = parts.errors(common.scrubber)
    ids = parts.ids()
    validator = parts.validator(ids)
    sessions = parts.sessions(common.store)
    counter = parts.counter()
    wire = parts.wire()
    calls = parts.calls(
        settings=settings,
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        upstream=common.upstream,
        clock=common.clock,
        validator=validator,
        catalogue=catalogue,
        ids=ids,
        sessions=sessions,
        breakers=breakers,
        patience=parts.patience(
            first_s=settings.retry_wait_s, longest_s=settings.retry_wait_max_s, jitter=settings.retry_jitter
        ),
        tried=parts.tried,
        billing=parts.billing(common.accounts, pricing, counter, sessions),
        errors=errors,
        wire=wire,
        relay=parts.relay(wire),
        terminals=parts.terminals(wire, settings.segment_s),
        journal=parts.journal(common.log, counter),
    )
    service = parts.service(
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        validator=validator,
        ids=ids,
        sessions=sessions,
        models=_models(common, parts, catalogue, breakers.of(VERTEX)),
        errors=errors,
        log=common.log,
    )
    health = parts.health(
        common.store,
        catalogue,
        breakers,
        common.clock,
        limit_s=settings.health_s,
        fresh_s=settings.health_fresh_s,
    )
    return parts.front(common.flights, calls, errors, service, health).app()


def _models(common: Common, parts: AgentParts, catalogue: AgentCatalogue, breaker: Breaker) -> VertexModels:
    """What reads the list of models."""
    url = common.providers["vertex"].base_url if "vertex" in common.providers else common.settings.vertex_api_url
    return parts.models(
        common.clients,
        common.google,
        common.clock,
        catalogue,
        breaker,
        base_url=url,
        fresh_s=common.settings.models_fresh_s,
    )
