"""The provider table: who the providers are and where, as the settings say, and their keys (never stored)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select

from .settings import OWN_NAME, Settings
from .store import PROVIDERS, Store


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream API that speaks OpenAI's protocol under ``base_url``."""

    name: str
    base_url: str
    api_key: str = field(repr=False)


def configured(settings: Settings) -> dict[str, tuple[str, str]]:
    """Name -> (base URL, key) of every provider that the settings make known."""
    known = {
        OWN_NAME: (settings.openai_api_url, settings.openai_api_key),
        "groq": (settings.groq_api_url, settings.groq_api_key),
    }
    if settings.openai_base_url:
        known[settings.openai_custom_provider_name] = (settings.openai_base_url, settings.openai_api_key)
    return known


async def load_providers(store: Store, settings: Settings) -> Mapping[str, Provider]:
    """Write the provider table from the settings, then read it; the keys are added from the settings.

    Of processes that share a database each goes by its own settings; the table has those of the last to start.
    """
    known = configured(settings)
    async with store.begin_alone() as tx:
        await tx.execute(delete(PROVIDERS))
        await tx.execute(insert(PROVIDERS), [{"name": name, "base_url": url} for name, (url, _) in known.items()])
        rows = (await tx.execute(select(PROVIDERS.c.name, PROVIDERS.c.base_url))).all()
    return {name: Provider(name, base_url, known[name][1]) for name, base_url in rows}
