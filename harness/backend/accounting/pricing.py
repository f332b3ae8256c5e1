"""What a streamed token costs, in whole credits, whichever way it goes. Exact fractions: money is never a float."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil

from sqlalchemy import insert, select

from harness.backend.store import PRICING, Store

CREDITS_PER_USD = 1_000
PRICE_LIST = "chat"
"""The price list's name in the pricing table: what chat asks of its users, which is not what a provider asks of us."""

SEED_PRICES: Mapping[str, str] = {
    "amazon.nova-micro-v1:0": "20",
    "amazon.nova-lite-v1:0": "100",
    "amazon.titan-text-express-v1": "60",
    "meta.llama3-70b-instruct-v1:0": "40",
}
"""Model -> US dollars for a million tokens."""

_MILLION = 1_000_000


async def load_prices(store: Store) -> Mapping[str, Decimal]:
    """Seed the prices that are missing, then read the list."""
    async with store.begin_alone() as tx:
        ours = PRICING.c.provider == PRICE_LIST
        known = set((await tx.execute(select(PRICING.c.model).where(ours))).scalars())
        rows = [_row(model, Decimal(usd)) for model, usd in SEED_PRICES.items() if model not in known]
        if rows:
            await tx.execute(insert(PRICING), rows)
        found = await tx.execute(select(PRICING.c.model, PRICING.c.output_usd_per_million).where(ours))
        return {row.model: row.output_usd_per_million for row in found}


def _row(model: str, usd: Decimal) -> dict[str, object]:
    return {
        "provider": PRICE_LIST,
        "model": model,
        "input_usd_per_million": usd,
        "output_usd_per_million": usd,
    }


class StreamPricing:
    """Prices of streams: ``ceil(tokens x USD / 1,000,000 x 1,000 x multiplier)``, 1 credit at least."""

    def __init__(self, prices: Mapping[str, Decimal], multiplier: Fraction) -> None:
        self._prices = prices
        self._multiplier = multiplier

    def has(self, model: str) -> bool:
        """Whether the model has a price."""
        return model in self._prices

    def price(self, model: str, tokens: int) -> int:
        """The price of so many tokens, rounded up."""
        usd = Fraction(self._prices[model]) * tokens / _MILLION
        return max(1, ceil(usd * CREDITS_PER_USD * self._multiplier))
