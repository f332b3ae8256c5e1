from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backend.gateway.tokens import TokenCounter, Tokens

COUNTER = TokenCounter()


def usage(given, made):
    return {"prompt_tokens": given, "completion_tokens": made}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        usage(1, None),
        usage(None, 1),
        usage(-1, 5),
        usage(5, -1),
        usage(5, 0),
        usage(0, 0),
        usage(1.0, 5),
        usage(True, 5),
        usage(5, "7"),
        usage(float("nan"), 5),
        usage(5, float("inf")),
        usage(10_000_001, 5),
        usage(5, 10**15),
        usage(10_000_000, 1),
        usage(1, 10_000_000),
        usage(2**63 - 1, 2**63),
    ],
)
def test_a_usage_that_cannot_be_right_is_replaced_by_the_estimate(wrong):
    assert COUNTER.count(wrong, 10, 7) == Tokens(3, 2, estimated=True)


@pytest.mark.parametrize("sane", [usage(9, 12), usage(0, 1), usage(9_999_999, 1), usage(0, 10_000_000)])
def test_a_sane_usage_is_taken(sane):
    assert COUNTER.count(sane, 10, 7) == Tokens(sane["prompt_tokens"], sane["completion_tokens"])


def test_no_output_is_sane_where_nothing_was_said():
    assert COUNTER.count(usage(5, 0), 10, 0) == Tokens(5, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_estimate_is_a_fourth_of_all_characters_rounded_up_and_one_at_least(prompt, completion):
    tokens = COUNTER.estimate(prompt, completion)
    assert tokens.total == max(1, ceil(Fraction(prompt + completion, 4)))
    assert tokens.input == ceil(Fraction(prompt, 4))
    assert tokens.output >= 0
    assert tokens.estimated
