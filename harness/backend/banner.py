"""What the backend says of itself when it starts: its settings, with the secrets masked."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

from .log import without_credentials
from .settings import SETTINGS, Settings

PREFIX = 4
MASK = "****"
_HIDDEN = frozenset(field.name for field in fields(Settings) if not field.repr)
_ADDRESSES = frozenset(name for name in SETTINGS if name.endswith("_URL"))
_SECRET = frozenset(name for name, (attribute, _) in SETTINGS.items() if attribute in _HIDDEN) - _ADDRESSES
_UNSET = {"DATABASE_URL": "not set - SQLite in a temporary file"}


class Banner:
    """One line a setting: ``NAME=value`` or ``NAME (not set - optional)``.

    A secret is shown by its first 4 characters and 4 asterisks, a short one by asterisks alone; the number of
    asterisks says nothing. Addresses are shown without user, password and query.
    """

    def lines(self, settings: Settings) -> list[str]:
        """The banner."""
        return [self.line(name, self.text(getattr(settings, attribute))) for name, (attribute, _) in SETTINGS.items()]

    def line(self, name: str, value: str) -> str:
        """The line of one setting."""
        if not value:
            return f"{name} ({_UNSET.get(name, 'not set - optional')})"
        if name in _SECRET:
            return f"{name}={self.masked(value)}"
        return f"{name}={without_credentials(value) if name in _ADDRESSES else value}"

    def text(self, value: object) -> str:
        """A value as it is shown."""
        return f"{float(value):g}" if isinstance(value, float | Fraction) else str(value)

    def masked(self, secret: str) -> str:
        """A secret as it may be shown."""
        return (secret[:PREFIX] if len(secret) >= 3 * PREFIX else "") + MASK
