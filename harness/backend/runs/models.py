"""Which model a run takes: the one that was asked for, and what it is called at the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .errors import invalid_model

SMALL = "llama-3.1-8b-instant"
LARGE = "llama-3.3-70b-versatile"
PROVIDERS_OWN = frozenset({SMALL, LARGE, "mixtral-8x7b-32768", "gemma-7b-it"})
MAPPED: Mapping[str, str] = MappingProxyType(
    {
        "gpt-3.5-turbo": SMALL,
        "gpt-4o-mini": SMALL,
        "gpt-4.1-mini": SMALL,
        "gpt-4": LARGE,
        "gpt-4-turbo": LARGE,
        "gpt-4o": LARGE,
    }
)
"""Name that a client may ask for -> what the provider calls the model that answers."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model by the name that was asked for, and by the provider's."""

    asked: str
    mapped: str


class Models:
    """Chooses: the request's model, else the configured default, else the small one.

    Only what a request asks for is validated. A default that the provider does not have is found out by calling it.
    """

    def __init__(self, configured: str) -> None:
        self._configured = configured

    def choose(self, wanted: str | None) -> Choice:
        """The model of a run; ``wanted`` is None where the request names none. Raises RunError for an unknown one."""
        if wanted is not None and not self.valid(wanted):
            raise invalid_model(wanted)
        asked = self.default() if wanted is None else wanted
        return Choice(asked, self.mapped(asked))

    def valid(self, name: str) -> bool:
        """Whether a request may name it."""
        return name in MAPPED or name in PROVIDERS_OWN

    def default(self) -> str:
        """The model of a request that names none."""
        return self._configured or SMALL

    def mapped(self, name: str) -> str:
        """The provider's name for it; what is not in the table goes through as it is."""
        return MAPPED.get(name, name)
