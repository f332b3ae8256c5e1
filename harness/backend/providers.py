"""The provider table: who the providers are and where, as the settings say, and their keys (never stored)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, insert, select

from .credentials import aws_key, google_key
from .settings import OWN_NAME, Settings
from .store import PROVIDERS, Store


class Speaks(StrEnum):
    """The protocols that we know."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    BEDROCK = "bedrock"
    VERTEX = "vertex"


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream API under ``base_url``, the protocol that it speaks, and what we are known by there.

    An empty ``api_key``: it cannot be asked.
    """

    name: str
    base_url: str
    api_key: str = field(repr=False)
    speaks: Speaks = Speaks.OPENAI


def configured(settings: Settings) -> dict[str, Provider]:
    """Every provider that the settings make known, by its name; half of what one wants of us is nothing."""
    known = [
        Provider(OWN_NAME, settings.openai_api_url, settings.openai_api_key),
        Provider("groq", settings.groq_api_url, settings.groq_api_key),
        Provider("anthropic", settings.anthropic_api_url, settings.anthropic_api_key, Speaks.ANTHROPIC),
        Provider("bedrock", settings.bedrock_address, aws_key(settings), Speaks.BEDROCK),
        Provider("vertex", settings.vertex_api_url, google_key(settings), Speaks.VERTEX),
    ]
    if settings.openai_base_url:
        name = settings.openai_custom_provider_name
        known.append(Provider(name, settings.openai_base_url, settings.openai_api_key))
    return {provider.name: provider for provider in known}


async def load_providers(store: Store, settings: Settings) -> Mapping[str, Provider]:
    """Write the provider table from the settings, then read it; the keys are added from the settings.

    Of processes that share a database each goes by its own settings; the table has those of the last to start.
    """
    known = configured(settings)
    async with store.begin_alone() as tx:
        await tx.execute(delete(PROVIDERS))
        rows = [{"name": provider.name, "base_url": provider.base_url} for provider in known.values()]
        await tx.execute(insert(PROVIDERS), rows)
        found = (await tx.execute(select(PROVIDERS.c.name, PROVIDERS.c.base_url))).all()
    return {name: Provider(name, base_url, known[name].api_key, known[name].speaks) for name, base_url in found}
