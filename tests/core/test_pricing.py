from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.pricing import input_estimate, prompt_text, tariff, token_estimate

FACTS = {
    "numbers": {"multiplier": "1.5", "credits_per_usd": 1000, "custom_multiplier": "10", "default_output_tokens": 1000},
    "models": [
        {"id": "cheap", "input_usd_per_million": "0.15", "output_usd_per_million": "0.60"},
        {"id": "dear", "input_usd_per_million": "2.50", "output_usd_per_million": "10.00"},
        {"id": "custom"},
    ],
}
TOKENS = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("model", "given_tokens", "taken", "credits"),
    [
        ("cheap", 1_000_000, 1_000_000, 1125),  # (0.15 + 0.60) USD x 1,000 x 1.5
        ("dear", 100, 200, 4),  # 0.00225 USD x 1,500 = 3.375
        ("dear", 0, 0, 0),
        ("custom", 1, 0, 1),  # 0.01 rounded up
        ("custom", 500, 501, 11),  # 10.01 rounded up
    ],
)
def test_a_price_is_exact_and_rounded_up(model, given_tokens, taken, credits):
    assert tariff(FACTS, model).price_credits(given_tokens, taken) == credits


@given(TOKENS, TOKENS)
def test_a_price_never_falls_below_the_exact_cost_and_stays_within_one_credit_of_it(given_tokens, taken):
    exact = (given_tokens * Fraction("0.15") + taken * Fraction("0.60")) / 1_000_000 * 1500
    price = tariff(FACTS, "cheap").price_credits(given_tokens, taken)
    assert exact <= price < exact + 1


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_estimate_counts_all_characters_by_four_and_at_least_one(prompt, completion):
    given_tokens, taken = token_estimate(prompt, completion)
    assert given_tokens + taken == max(1, ceil((prompt + completion) / 4))
    assert given_tokens <= input_estimate(prompt)
    assert taken >= 0


def test_a_hold_is_the_prompt_estimate_and_the_output_limit():
    dear = tariff(FACTS, "dear")
    assert dear.hold_credits(40, 100) == dear.price_credits(10, 100)
    assert dear.hold_credits(40, None) == dear.price_credits(10, 1000)
    assert tariff(FACTS, "cheap").hold_credits(0, 0) == 1


def test_a_model_that_is_not_in_the_facts_has_no_tariff():
    assert tariff(FACTS, "other") is None


def test_messages_are_joined_by_one_space():
    assert prompt_text(["a", "b"]) == "a b"
