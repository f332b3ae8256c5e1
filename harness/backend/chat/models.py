"""The models that chat offers, by the names that Bedrock has for them."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import not_available
from .families import Family, Llama, Nova, Titan

MODELS: Mapping[str, type[Family]] = {
    "amazon.nova-micro-v1:0": Nova,
    "amazon.nova-lite-v1:0": Nova,
    "amazon.titan-text-express-v1": Titan,
    "meta.llama3-70b-instruct-v1:0": Llama,
}
"""Model -> whose bodies it takes."""


class ChatModels:
    """Lists and finds models."""

    def listed(self) -> list[dict[str, str]]:
        """``[{"id"}]``, every one of which can be called."""
        return [{"id": self.shown(name)} for name in MODELS]

    def shown(self, name: str) -> str:
        """The id as clients read it: Bedrock's own, all of it."""
        return name

    def family(self, name: str) -> Family:
        """The family of a model that is offered. Raises ChatError."""
        if name not in MODELS:
            raise not_available(name)
        return self.of(name)

    def of(self, name: str) -> Family:
        """The family of a known model."""
        return MODELS[name]()
