"""Defects in serving models from a custom endpoint, which the configuration may call by any name."""

from __future__ import annotations

from dataclasses import replace

from harness.backend.gateway.catalogue import Catalogue, Listing, Model
from harness.backend.providers import Provider
from harness.backend.settings import OWN_NAME

from .base import Defect, instead

_DELIVERED = (OWN_NAME, "groq", "anthropic", "bedrock", "vertex", "compatible")
"""The names that the provider table had when it was made."""


class CustomProviderNameUnknown(Defect):
    """The configuration's name for the endpoint is looked for among those that were there before."""

    id = "custom-provider-name-unknown"
    summary = "a custom endpoint with a name of its own is not found in the provider table, and its models are refused"

    class _Delivered(Catalogue):
        def provider(self, listing: Listing) -> Provider | None:
            found = super().provider(listing)
            return found if found is None or found.name in _DELIVERED else None

    gateway = instead(catalogue=_Delivered)


class CustomProviderNamedOpenAI(Defect):
    """Whatever speaks OpenAI's protocol is taken for OpenAI."""

    id = "custom-provider-named-openai"
    summary = "calls that a custom endpoint answered are written down as OpenAI's"

    class _Renames(Catalogue):
        def find(self, name: str, tier: str) -> Model:
            model = super().find(name, tier)
            own = model.provider.name in _DELIVERED
            return model if own else replace(model, provider=replace(model.provider, name=OWN_NAME))

    gateway = instead(catalogue=_Renames)
