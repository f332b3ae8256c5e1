import pytest

from harness.report.conclusions import Words, run
from harness.report.conclusions.phrases import interval_ms, listed, ms, percent, quoted, share
from harness.results.stats import Estimate, rate


@pytest.mark.parametrize(
    ("value", "told"), [(0.123, "0.123 ms"), (12.34, "12.3 ms"), (99.6, "100 ms"), (2345, "2.35 s")]
)
def test_times_have_three_digits_and_a_unit(value, told):
    assert ms(value) == told


def test_an_interval_says_which_of_its_ends_is_not_known():
    ends = [(None, None), (None, 2.0), (1.0, None), (1.0, 2.0)]
    assert [interval_ms(Estimate(1.5, low, high, 9)) for low, high in ends] == [
        "too few for an interval",
        "95 % interval up to 2 ms",
        "95 % interval from 1 ms up",
        "95 % interval 1 ms to 2 ms",
    ]


def test_shares_carry_their_interval():
    assert share(rate(0, 0), "calls") == "0 of 0 calls"
    assert share(rate(18, 18), "calls") == "18 of 18 calls (100 %, 95 % interval 82 to 100)"


def test_nearly_all_is_not_all_and_nearly_none_not_none():
    assert [percent(part) for part in (0, 0.006, 0.5, 0.999, 1)] == ["0", "0.6", "50", "99.9", "100"]


def test_names_are_listed_and_the_rest_counted():
    assert [listed("abcdef"[:n], 4) for n in (0, 1, 2, 6)] == [
        "",
        "`a`",
        "`a` and `b`",
        "`a`, `b`, `c`, `d` and 2 more",
    ]


def test_a_strangers_sentence_cannot_become_markup():
    words = Words(("Look.", f"It says {quoted('a `b` <script>*c*</script>' + chr(10) + chr(0) + 'd')}"))
    assert str(words).endswith("“a `b` <script>*c*</script> d”")
    assert "<script>" not in words.html()
    assert "\\<script\\>" in words.markdown()


def test_commands_stand_on_lines_of_their_own():
    words = Words(("Answer.", "Look:\n`harness show x`"))
    assert str(words) == "Answer.\nLook:\n  `harness show x`"
    assert words.markdown() == "**Answer.**\n\n- Look:  \n  `harness show x`"
    assert words.html() == '<p class="answer">Answer.</p><ul><li>Look:<br><code>harness show x</code></li></ul>'


def test_a_run_is_told_in_a_sentence(made):
    made.facts |= {"defect": "double-done"}
    made.case()
    (told,) = run(made.frames())
    assert told == (
        "Run `r1` of 2026-01-02 03:04:05 UTC: `reference` with the defect `double-done`, 1 case in 1.5 s, "
        f"up to 1 at once; kept in `{made.path}`."
    )
