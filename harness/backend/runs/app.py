"""How runs are put together from their parts."""

from __future__ import annotations

from aiohttp import web

from harness.backend.common import Common

from .parts import RunParts

PROVIDER = "groq"


def build(common: Common, parts: RunParts) -> web.Application:
    """Runs as an application. Raises SettingsError where there is no key for the provider."""
    settings, provider = common.settings, common.providers[PROVIDER]
    parts.requirements().check(provider)
    service = parts.service(
        call_s=settings.call_s,
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        projects=common.projects,
        validator=parts.validator(),
        models=parts.models(settings.groq_default_model),
        billing=parts.billing(common.accounts),
        generator=parts.generator(common.upstream, provider),
        rows=parts.rows(common.store),
        errors=parts.errors(common.scrubber),
        journal=parts.journal(common.log),
    )
    health = parts.health(
        common.store,
        common.upstream,
        provider,
        common.clock,
        limit_s=settings.health_s,
        fresh_s=settings.health_fresh_s,
    )
    return parts.front(common.flights, service, health).app()
