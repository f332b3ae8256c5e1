"""How many of what, in words."""

from __future__ import annotations


def number(count: int, noun: str, plural: str = "") -> str:
    """How many, with the noun in its number: ``1 case``, ``1,234 cases``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
