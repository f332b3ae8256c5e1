"""What a stream that broke off may cost, by what is known of what was delivered."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from harness.contracts.delivered import charged_as_delivered, delivered_characters
from harness.core.pricing import Tariff
from harness.core.verdict import Violation

PIECES = ["a" * 400, "b" * 400, "c" * 400]
TARIFF = Tariff(
    input_usd_per_million=Fraction(1000),
    output_usd_per_million=Fraction(100),
    multiplier=Fraction(1),
    credits_per_usd=Fraction(1000),
    custom_multiplier=Fraction(10),
    default_output_tokens=1000,
    sane_tokens_at_most=10_000_000,
)
"""A tenth of a credit for a token of output."""


class Call:
    """A call whose provider sent so many characters; None: it was never asked."""

    def __init__(self, sent=None):
        self.upstream = None if sent is None else SimpleNamespace(text="x" * sent)

    def violation(self, sentence, *where):
        return Violation(sentence, where)


@pytest.mark.parametrize(
    ("pieces", "sent", "told", "span"),
    [
        (PIECES, 1200, True, (1200, 1200)),
        (PIECES, 1200, False, (800, 1200)),
        (PIECES, 1600, True, (1200, 1600)),
        (PIECES, None, True, (1200, 1200)),
        (PIECES[:2], 1200, True, (800, 1200)),
        (PIECES, 800, True, (800, 1200)),  # the target said something twice: it may count it or not
        ([], 400, False, (0, 400)),
    ],
)
def test_what_was_delivered_is_known_as_far_as_both_sides_saw_it(pieces, sent, told, span):
    assert delivered_characters(Call(sent), pieces, told=told) == span


@pytest.mark.parametrize(
    ("span", "charged", "granted", "right"),
    [
        ((1200, 1200), 30, 1000, True),
        ((1200, 1200), 29, 1000, False),
        ((1200, 1200), 31, 1000, False),
        ((1200, 1200), 1, 1000, False),  # as the hold of a client that estimates one token would have it
        ((800, 1200), 20, 1000, True),
        ((800, 1200), 19, 1000, False),
        ((1200, 1200), 5, 5, True),
        ((1200, 1200), 4, 5, False),
        ((4, 4), 1, 1000, True),
        ((4, 4), 0, 1000, False),
    ],
)
def test_the_charge_is_the_price_of_it_and_at_most_what_there_was(span, charged, granted, right):
    found = list(charged_as_delivered(Call(), span, TARIFF, charged=charged, granted=granted))
    assert (not found) is right
