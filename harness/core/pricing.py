"""What a call costs, in whole credits. Exact fractions throughout: money is never a float.

Rules (house): a price is ``ceil(vendor cost in USD x credits per USD x multiplier)``; without a pricing row
``ceil(tokens / 1000 x custom multiplier)``. A completed call costs at least 1 credit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

CHARACTERS_PER_TOKEN = 4
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """How one model is priced. USD prices are per million tokens; None: priced by ``custom_multiplier`` alone."""

    input_usd_per_million: Fraction | None
    output_usd_per_million: Fraction | None
    multiplier: Fraction
    credits_per_usd: Fraction
    custom_multiplier: Fraction
    default_output_tokens: int
    sane_tokens_at_most: int

    def price_credits(self, input_tokens: int, output_tokens: int) -> int:
        """The price of these tokens, rounded up to whole credits; 0 tokens cost 0."""
        if self.input_usd_per_million is None or self.output_usd_per_million is None:
            return ceil(Fraction(input_tokens + output_tokens, 1000) * self.custom_multiplier)
        usd = (input_tokens * self.input_usd_per_million + output_tokens * self.output_usd_per_million) / MILLION
        return ceil(usd * self.credits_per_usd * self.multiplier)

    def hold_credits(self, prompt_characters: int, output_limit: int | None) -> int:
        """What is held before the call: the prompt's estimate plus the output limit; at least 1 credit."""
        limit = self.default_output_tokens if output_limit is None else output_limit
        return max(1, self.price_credits(input_estimate(prompt_characters), limit))


def input_estimate(prompt_characters: int) -> int:
    """Tokens of a prompt where nobody counted them: characters / 4, rounded up."""
    return -(-prompt_characters // CHARACTERS_PER_TOKEN)


def token_estimate(prompt_characters: int, completion_characters: int) -> tuple[int, int]:
    """(input, output) tokens where the provider's usage is missing or absurd.

    In total ``max(1, ceil((prompt + completion characters) / 4))``; the input's share is its own estimate.
    """
    total = max(1, -(-(prompt_characters + completion_characters) // CHARACTERS_PER_TOKEN))
    given = min(total, input_estimate(prompt_characters))
    return given, total - given


def prompt_text(texts: Sequence[str]) -> str:
    """The messages' texts as the estimate counts them: joined by one space."""
    return " ".join(texts)


def tariff(facts: Mapping[str, Any], model: str) -> Tariff | None:
    """The tariff of a model by a profile's facts; None where it is not among those listed."""
    row = next((row for row in facts.get("models", ()) if row["id"] == model), None)
    if row is None or not row.get("listed", True):
        return None
    numbers = facts.get("numbers", {})
    return Tariff(
        input_usd_per_million=_fraction(row.get("input_usd_per_million")),
        output_usd_per_million=_fraction(row.get("output_usd_per_million")),
        multiplier=Fraction(str(numbers.get("multiplier", "1"))),
        credits_per_usd=Fraction(str(numbers.get("credits_per_usd", "1000"))),
        custom_multiplier=Fraction(str(numbers.get("custom_multiplier", "10"))),
        default_output_tokens=int(numbers.get("default_output_tokens", 1000)),
        sane_tokens_at_most=int(numbers.get("sane_tokens_at_most", 10_000_000)),
    )


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
