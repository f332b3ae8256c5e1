"""Defects in what may be called, and under which name."""

from __future__ import annotations

from typing import Any

from harness.backend.agent.catalogue import AgentCatalogue
from harness.backend.agent.models import VertexModels
from harness.backend.gateway.call import Call
from harness.backend.gateway.catalogue import Catalogue, Listing
from harness.backend.gateway.errors import GatewayError, internal
from harness.backend.gateway.front import Front
from harness.backend.gateway.pricing import Pricing, Rate
from harness.backend.gateway.wire import Wire
from harness.backend.providers import Provider
from harness.backend.settings import Settings

from .base import Defect, instead, over


class UpstreamModelEchoed(Defect):
    """The provider's name for a model replaces the client's."""

    id = "upstream-model-echoed"
    summary = "an answer names the model as provider/model, not as it was asked for"

    class _Names(Wire):
        def model_name(self, call: Call) -> str:
            return f"{call.model.provider.name}/{call.model.name}"

    gateway = instead(wire=_Names)
    agent = instead(wire=_Names)


class TierIgnored(Defect):
    """Everybody may call everything."""

    id = "tier-ignored"
    summary = "a model of a higher tier is served to a lower one"

    class _Open(Catalogue):
        def admit(self, listing: Listing, tier: str) -> None:
            return

    gateway = instead(catalogue=_Open)


class UnpricedCalled(Defect):
    """The price for custom endpoints is taken for whatever has none."""

    id = "unpriced-called"
    summary = "a model without a price is called, though there is no custom endpoint"

    class _Guesses(Pricing):
        def rate(self, provider: str, model: str) -> Rate | None:
            flat = self._settings.openai_custom_credit_multiplier / 1_000
            return super().rate(provider, model) or Rate(flat, flat)

    gateway = instead(pricing=_Guesses)


class UnservedNotFound(Defect):
    """A model that is in the table is said not to be."""

    id = "unserved-not-found"
    summary = "a model without a provider's row is answered by 404, as if nobody had heard of it"

    class _Finds(Catalogue):
        def unserved(self, name: str) -> GatewayError:
            return self.unknown(name)

    gateway = instead(catalogue=_Finds)


class ListsUncallableModel(Defect):
    """The list has a model that was taken out of service."""

    id = "lists-uncallable-model"
    summary = "the list has a model that cannot be called"

    class _Lists(Catalogue):
        def listed(self) -> list[tuple[str, str]]:
            return [*super().listed(), ("gpt-3.5-turbo", "openai")]

    class _Adds(VertexModels):
        async def listed(self) -> list[tuple[str, str]]:
            return [*await super().listed(), ("claude-2", "anthropic")]

    gateway = instead(catalogue=_Lists)
    agent = instead(models=_Adds)


class HalfCredentialsCount(Defect):
    """A secret is a secret."""

    id = "half-credentials-count"
    summary = "a provider with half of its credentials is taken for one that can be called"

    class _Hopes(Catalogue):
        def __init__(self, settings: Settings, *more: Any) -> None:
            super().__init__(settings, *more)
            vertex = settings.vertex_access_token or settings.google_application_credentials
            self._halves = {"bedrock": settings.aws_secret_access_key, "vertex": vertex}

        def has_key(self, provider: Provider) -> bool:
            return bool(self._halves.get(provider.name)) or super().has_key(provider)

    gateway = instead(catalogue=_Hopes)


class ModelListBare(Defect):
    """The list comes without its envelope."""

    id = "model-list-bare"
    summary = "the list of models is a bare array"

    class _Lists(Front):
        def model_list(self, listed: list[tuple[str, str]]) -> object:
            return [{"id": name} for name, _ in listed]

    gateway = instead(front=_Lists)


class UnknownModel500(Defect):
    """A name that no model has was not thought of."""

    id = "unknown-model-500"
    summary = "a model that nobody has is answered by 500"

    class _Fails(Catalogue):
        def unknown(self, name: str) -> GatewayError:
            return internal()

    gateway = instead(catalogue=_Fails)
    agent = instead(catalogue=over(_Fails, AgentCatalogue))
