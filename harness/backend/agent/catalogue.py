"""The agent's models: who serves them, under which name, at what price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from harness.backend.gateway.catalogue import Catalogue
from harness.backend.gateway.errors import no_key
from harness.backend.gateway.pricing import Prices, Pricing
from harness.backend.google import GoogleTokens
from harness.backend.providers import Provider
from harness.backend.settings import Settings

from .call import AgentModel

ANTHROPIC, VERTEX = "anthropic", "vertex"
PROVIDERS = (ANTHROPIC, VERTEX)


@dataclass(frozen=True, slots=True)
class Family:
    """A model under its short name, with its version and its price in US dollars for a million tokens."""

    name: str
    version: str
    input_usd: str
    output_usd: str

    def upstream(self, provider: str) -> str:
        """Its name at a provider: Vertex wants the version, behind an @."""
        return f"{self.name}@{self.version}" if provider == VERTEX else self.name


FAMILIES = (
    Family("claude-haiku-4-5", "20251001", "1.00", "5.00"),
    Family("claude-opus-5", "20260401", "5.00", "25.00"),
    Family("claude-sonnet-4", "20250514", "3.00", "15.00"),
    Family("claude-sonnet-5", "20260115", "3.00", "15.00"),
)
"""The models that the agent has a price for: there are no others."""

PRICES: Prices = {
    (provider, family.name): (Decimal(family.input_usd), Decimal(family.output_usd))
    for provider in PROVIDERS
    for family in FAMILIES
}


class AgentCatalogue(Catalogue):
    """Finds models. A short name is served by whoever the settings say, one with a version behind an @ by Vertex."""

    def __init__(
        self, settings: Settings, providers: Mapping[str, Provider], pricing: Pricing, google: GoogleTokens
    ) -> None:
        ours = {name: providers[name] for name in PROVIDERS if name in providers}
        super().__init__(settings, (), ours, pricing)
        self._google = google
        # Who serves a short name:
        self.default = settings.agent_provider or next((name for name in ours if self.credentials(name)), ANTHROPIC)

    @property
    def served(self) -> Mapping[str, Provider]:
        """The providers that can be asked."""
        return {name: provider for name, provider in self._providers.items() if self.credentials(name)}

    def credentials(self, provider: str) -> bool:
        """Whether there is something to ask this provider with."""
        return not self._google.missing() if provider == VERTEX else bool(self._providers[provider].api_key)

    def find(self, name: str, tier: str) -> AgentModel:
        """The model of that name. Raises GatewayError: 404 where there is none, 502 where nobody can be asked."""
        del tier
        family, provider_name = self.meant(name)
        rate = self._pricing.rate(provider_name, family.name)
        provider = self.served.get(provider_name)
        if provider is None or rate is None:
            raise no_key(provider_name)
        return AgentModel(name, "free", provider, rate, family.upstream(provider_name))

    def meant(self, name: str) -> tuple[Family, str]:
        """The model and the provider that a name means."""
        for family in FAMILIES:
            if name == family.name:
                return family, self.default
            if name == family.upstream(VERTEX):
                return family, VERTEX
        raise self.unknown(name)

    def known(self, family: str) -> str | None:
        """How a client asks for a model that Vertex lists by this name; None where it cannot be had."""
        return next((one.upstream(VERTEX) for one in FAMILIES if one.name == family), None)
