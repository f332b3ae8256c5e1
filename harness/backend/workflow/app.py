"""How the workflow is put together from its parts."""

from __future__ import annotations

from aiohttp import web

from harness.backend.common import Common
from harness.backend.providers import Provider

from .parts import WorkflowParts

PROVIDER = "chatkit"


def build(common: Common, parts: WorkflowParts) -> web.Application:
    """The workflow as an application. Raises SettingsError where a setting is missing that it cannot do without."""
    settings = common.settings
    parts.requirements().check(settings)
    journal = parts.journal(common.log)
    chatkit = parts.chatkit(
        common.clients,
        Provider(PROVIDER, settings.chatkit_api_url, settings.openai_api_key),
        settings.edn360_training_workflow_id,
    )
    planner = parts.planner(
        chatkit, parts.reader(), common.clock, journal, interval_s=settings.poll_s, call_s=settings.call_s
    )
    service = parts.service(
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        validator=parts.validator(),
        billing=parts.billing(common.accounts),
        planner=planner,
        rows=parts.rows(common.store),
        errors=parts.errors(common.scrubber),
        journal=journal,
    )
    return parts.front(common.flights, service).app()
