"""What runs cannot start without."""

from __future__ import annotations

from harness.backend.providers import Provider
from harness.backend.settings import SettingsError


class Requirements:
    """The setting that has no default: without it every run would fail, each of them charged and refunded."""

    def check(self, provider: Provider) -> None:
        """Raises SettingsError where there is no key for the provider."""
        if not provider.api_key:
            raise SettingsError("GROQ_API_KEY is required: runs are answered by Groq")
