import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.results.stats import Estimate, Rate, quantile, rate, ratio


def test_a_percentile_is_linear_between_the_closest_ranks():
    assert quantile([4, 1, 3, 2], 0.5).value == 2.5
    assert quantile([10, 20], 0.9).value == pytest.approx(19)
    values = [(7 * n) % 101 for n in range(100)]
    assert quantile(values, 0.99).value == pytest.approx(np.quantile(values, 0.99))


def test_its_interval_is_of_order_statistics():
    found = quantile(range(1, 101), 0.5)
    assert (found.low, found.high, found.n) == (40, 61, 100)  # the ranks of the usual tables for a median of 100
    below = scipy_stats.binom(100, 0.5)
    assert below.cdf(60) - below.cdf(39) >= 0.95


def test_few_values_have_an_open_interval():
    found = quantile([1, 2, 3], 0.5)
    assert (found.value, found.low, found.high) == (2, None, None)
    assert quantile(range(100), 0.99).high is None


def test_no_value_is_no_estimate():
    assert quantile([], 0.5) == Estimate(None, None, None, 0)
    assert quantile([], 0.5, censored=3) == Estimate(None, None, None, 3, 3)


def test_censored_values_count_as_larger_than_all():
    found = quantile([1, 2, 3], 0.5, censored=2)
    assert (found.value, found.n, found.censored) == (3, 5, 2)
    assert quantile([1, 2, 3, 4], 0.5, censored=4).value is None  # between 4 and what is not known
    assert quantile(range(1, 10), 0.5, censored=1).value > quantile(range(1, 10), 0.5).value


def test_a_rate_has_wilsons_interval():
    found = rate(3, 10)  # (k + z²/2) / (n + z²) ± z √(k(n - k)/n + z²/4) / (n + z²), z = 1.959964
    assert (found.count, found.n, found.value) == (3, 10, 0.3)
    assert (found.low, found.high) == (pytest.approx(0.107791, abs=1e-6), pytest.approx(0.603222, abs=1e-6))


def test_none_of_many_is_not_certainly_none():
    found = rate(0, 10)
    assert found.low == 0
    assert found.high == pytest.approx(0.277533, abs=1e-6)
    assert rate(0, 0) == Rate(0, 0, None, None, None)


def test_a_change_is_the_median_of_paired_ratios():
    found = ratio([1, 2, 4, 8, 16, 32], [2, 4, 8, 16, 32, 64])
    assert (found.value, found.low, found.high) == (pytest.approx(2), pytest.approx(2), pytest.approx(2))
    assert ratio([1, 2], [2, 2]).low is None
    assert ratio([0, 1], [1, 3]) == Estimate(pytest.approx(3), None, None, 1)
    assert ratio([], []).n == 0


def test_its_interval_is_the_same_every_time():
    before, after = [1, 2, 3, 4, 5, 6, 7], [2, 2, 4, 5, 9, 6, 5]
    assert ratio(before, after) == ratio(before, after)
    found = ratio(before, after)
    assert found.low <= found.value <= found.high
