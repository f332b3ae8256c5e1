"""The models: which there are, who may use them, who serves them. Seeded into the store, read once at start-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import insert, select

from harness.backend.providers import Provider
from harness.backend.settings import Settings
from harness.backend.store import MODELS, PRICING, Store

from .errors import GatewayError, no_key, no_such_model, not_in_tier, not_priced
from .pricing import Prices, Pricing, Rate

TIERS: Mapping[str, int] = {"free": 0, "pro": 1}
"""Tier -> rank; a user may call the models of their own rank and below."""

SEED_MODELS: tuple[tuple[str, str | None, str], ...] = (
    ("gpt-4o-mini", "openai", "free"),
    ("gpt-4o", "openai", "pro"),
    ("llama-3.1-8b-instant", "groq", "free"),
    ("llama-3.3-70b-versatile", "groq", "pro"),
    ("claude-haiku-4-5", "anthropic", "free"),
    ("claude-sonnet-5", "anthropic", "pro"),
    ("amazon.nova-micro-v1:0", "bedrock", "free"),
    ("anthropic.claude-3-5-sonnet-20240620-v1:0", "bedrock", "pro"),
    ("meta.llama3-70b-instruct-v1:0", "bedrock", "free"),
    ("gemini-2.5-flash", "vertex", "free"),
    ("claude-sonnet-4", "vertex", "pro"),
    ("local-model", None, "free"),
    ("mystery-model", "openai", "free"),
)
"""Model, its own provider (None: only the custom base URL has it), tier."""

SEED_PRICES: tuple[tuple[str, str, str, str], ...] = (
    ("openai", "gpt-4o-mini", "0.15", "0.60"),
    ("openai", "gpt-4o", "2.50", "10.00"),
    ("groq", "llama-3.1-8b-instant", "0.05", "0.08"),
    ("groq", "llama-3.3-70b-versatile", "0.59", "0.79"),
    ("anthropic", "claude-haiku-4-5", "1.00", "5.00"),
    ("anthropic", "claude-sonnet-5", "3.00", "15.00"),
    ("bedrock", "amazon.nova-micro-v1:0", "0.035", "0.14"),
    ("bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0", "3.00", "15.00"),
    ("bedrock", "meta.llama3-70b-instruct-v1:0", "2.65", "3.50"),
    ("vertex", "gemini-2.5-flash", "0.30", "2.50"),
    ("vertex", "claude-sonnet-4", "3.00", "15.00"),
)
"""Provider, model, US dollars for a million tokens of input and of output."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A row of the models table."""

    name: str
    provider: str | None
    tier: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be called, and where."""

    name: str
    tier: str
    provider: Provider
    rate: Rate


async def load_catalogue(store: Store) -> tuple[tuple[Listing, ...], Prices]:
    """Seed the models and prices that are missing, then read both tables."""
    async with store.begin_alone() as tx:
        known = set((await tx.execute(select(MODELS.c.name))).scalars())
        models = [
            {"name": name, "provider": provider, "tier": tier}
            for name, provider, tier in SEED_MODELS
            if name not in known
        ]
        if models:
            await tx.execute(insert(MODELS), models)
        priced = {(row.provider, row.model) for row in await tx.execute(select(PRICING.c.provider, PRICING.c.model))}
        prices = [_price_row(*seed) for seed in SEED_PRICES if seed[:2] not in priced]
        if prices:
            await tx.execute(insert(PRICING), prices)
        listings = tuple(Listing(*row) for row in await tx.execute(select(MODELS).order_by(MODELS.c.name)))
        rows = (await tx.execute(select(PRICING))).all()
    return listings, {(provider, model): (given, made) for provider, model, given, made in rows}


def _price_row(provider: str, model: str, given: str, made: str) -> dict[str, object]:
    return {
        "provider": provider,
        "model": model,
        "input_usd_per_million": Decimal(given),
        "output_usd_per_million": Decimal(made),
    }


class Catalogue:
    """Finds models and says who may use them. Raises GatewayError where the answer is no."""

    def __init__(
        self, settings: Settings, listings: Iterable[Listing], providers: Mapping[str, Provider], pricing: Pricing
    ) -> None:
        self._listings = {listing.name: listing for listing in listings}
        self._providers = providers
        self._pricing = pricing
        self._custom = settings.openai_custom_provider_name if settings.openai_base_url else None

    def find(self, name: str, tier: str) -> Model:
        """The model of that name for a user of that tier: 404, 403 and 400 in this order where it cannot be had."""
        listing = self._listings.get(name)
        provider = self.provider(listing) if listing is not None else None
        if listing is None:
            raise self.unknown(name)
        self.admit(listing, tier)
        if provider is None:
            raise self.unserved(name)
        if not self.has_key(provider):
            raise no_key(provider.name)
        return Model(name, listing.tier, provider, self.rate(listing, provider))

    def listed(self) -> list[tuple[str, str]]:
        """Every model that can be called by somebody, with the name of who serves it."""
        found = []
        for listing in self._listings.values():
            provider = self.provider(listing)
            if provider is not None and self.callable(listing, provider):
                found.append((listing.name, provider.name))
        return found

    def admit(self, listing: Listing, tier: str) -> None:
        """Refuse a user whose tier is below the model's."""
        if TIERS.get(tier, 0) < TIERS.get(listing.tier, 0):
            raise not_in_tier(listing.name, tier)

    def provider(self, listing: Listing) -> Provider | None:
        """Who serves a model: its own provider where that has a price for it, else the custom base URL if set."""
        name = listing.provider
        if self._custom is not None and (name is None or not self._pricing.has_row(name, listing.name)):
            name = self._custom
        return self._providers.get(name) if name is not None else None

    def rate(self, listing: Listing, provider: Provider) -> Rate:
        """The model's rate; refused where it has none."""
        rate = self._pricing.rate(provider.name, listing.name)
        if rate is None:
            raise not_priced(listing.name)
        return rate

    def callable(self, listing: Listing, provider: Provider) -> bool:
        """Whether a call could be made: it has a price, and we have a key."""
        return self._pricing.rate(provider.name, listing.name) is not None and self.has_key(provider)

    def has_key(self, provider: Provider) -> bool:
        """Whether there is all that it takes to ask a provider."""
        return bool(provider.api_key)

    def unknown(self, name: str) -> GatewayError:
        """The refusal of a name that no model has."""
        return no_such_model(name)

    def unserved(self, name: str) -> GatewayError:
        """The refusal of a model that no row of the provider table serves, and no custom base URL either."""
        return not_priced(name)
