"""What tokens cost, in whole credits. Exact fractions throughout: money is never a float."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from harness.backend.settings import Settings

from .tokens import Tokens

CREDITS_PER_USD = 1_000
_MILLION = 1_000_000

Prices = Mapping[tuple[str, str], tuple[Decimal, Decimal]]
"""(provider, model) -> US dollars for a million tokens of input and of output."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Credits for one token of input and of output, exact."""

    input: Fraction
    output: Fraction

    def exact(self, tokens: Tokens) -> Fraction:
        """The price before rounding."""
        return self.input * tokens.input + self.output * tokens.output


class Pricing:
    """Prices of calls.

    With a pricing row: ``ceil(vendor cost in USD x 1,000 x multiplier)``. Without one, where a custom base URL is
    set: ``ceil(tokens / 1000 x custom multiplier)``. At least 1 credit, either way.
    """

    def __init__(self, settings: Settings, prices: Prices) -> None:
        self._settings = settings
        self._prices = prices

    def has_row(self, provider: str, model: str) -> bool:
        """Whether there is a pricing row."""
        return (provider, model) in self._prices

    def rate(self, provider: str, model: str) -> Rate | None:
        """The rate of a model at a provider, or None where it cannot be priced."""
        row = self._prices.get((provider, model))
        if row is not None:
            per_token = self._settings.credit_multiplier * CREDITS_PER_USD / _MILLION
            return Rate(Fraction(row[0]) * per_token, Fraction(row[1]) * per_token)
        if self._settings.openai_base_url:
            flat = self._settings.openai_custom_credit_multiplier / 1_000
            return Rate(flat, flat)
        return None

    def price(self, rate: Rate, tokens: Tokens) -> int:
        """The price in whole credits: rounded up, 1 at least."""
        return max(self.least(), self.rounded(rate.exact(tokens)))

    def rounded(self, exact: Fraction) -> int:
        """A part of a credit counts as one."""
        return ceil(exact)

    def least(self) -> int:
        """What a completed call costs at least."""
        return 1
