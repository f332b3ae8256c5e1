import pytest

from harness.report.figures.style import COLOURS, clipped, middle_clipped, short


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0412, "0.041"),
        (3.25, "3.2"),
        (9.96, "10.0"),
        (42.44, "42.4"),
        (99.7, "100"),
        (105.4, "105"),
        (12345, "12,300"),
        (float("nan"), "-"),
    ],
)
def test_figures_have_about_three_digits_and_no_exponent(value, told):
    assert short(value) == told


def test_words_that_are_cut_say_so():
    assert clipped("abcdef", 6) == "abcdef"
    assert clipped("abc defg", 5) == "abc…"
    assert middle_clipped("reference/gateway/chat", 10) == "ref…y/chat"


def test_colours_differ_in_lightness_not_only_in_hue():
    grey = [sum(w * int(c[at : at + 2], 16) for w, at in ((0.3, 1), (0.59, 3), (0.11, 5))) for c in COLOURS[:4]]
    assert min(abs(a - b) for i, a in enumerate(grey) for b in grey[:i]) > 5
