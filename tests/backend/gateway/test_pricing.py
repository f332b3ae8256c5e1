from decimal import Decimal
from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from harness.backend.gateway.pricing import Pricing, Rate
from harness.backend.gateway.tokens import Tokens
from harness.backend.settings import Settings

PRICES = {("openai", "gpt-4o-mini"): (Decimal("0.15"), Decimal("0.60"))}


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_price_is_the_vendors_cost_in_thousandths_of_a_dollar_times_the_multiplier_rounded_up(given_, made):
    pricing = Pricing(Settings(), PRICES)
    cost_usd = (given_ * Fraction("0.15") + made * Fraction("0.60")) / 1_000_000
    rate = pricing.rate("openai", "gpt-4o-mini")
    assert pricing.price(rate, Tokens(given_, made)) == max(1, ceil(cost_usd * 1_000 * Fraction("1.5")))


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_without_a_pricing_row_a_custom_endpoint_costs_by_the_thousand_tokens(given_, made):
    pricing = Pricing(Settings(openai_base_url="http://x/v1"), PRICES)
    rate = pricing.rate("openai", "mystery-model")
    assert pricing.price(rate, Tokens(given_, made)) == max(1, ceil(Fraction(given_ + made, 1_000) * 10))


def test_without_a_pricing_row_and_a_custom_endpoint_there_is_no_price():
    assert Pricing(Settings(), PRICES).rate("openai", "mystery-model") is None


def test_a_price_of_exactly_a_credit_is_not_rounded_up_to_two():
    pricing = Pricing(Settings(), {})
    assert pricing.price(Rate(Fraction(1, 10), Fraction(1, 10)), Tokens(7, 3)) == 1
    assert pricing.price(Rate(Fraction(1, 10), Fraction(1, 10)), Tokens(7, 4)) == 2
