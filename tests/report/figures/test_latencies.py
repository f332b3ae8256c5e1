"""What figures of time say is what the frames hold; what is censored, refused or doubtful is never lost."""

import math

import pytest

from harness.report.figures import by_fault, distributions, first_token_matrix, slowest, time_shares, total_matrix
from harness.report.figures.latency_matrix import _words


def test_percentiles_are_of_healthy_streams_with_censored_and_saturated_counted(frames):
    table = first_token_matrix(frames).table.set_index("provider")
    assert list(table.index) == ["groq", "openai"]
    one = table.loc["groq"]
    assert (one["n"], one["censored"], one["saturated"]) == (9, 3, 3)  # 6 came, 3 never did
    assert one["p50"] == 13.0
    assert math.isnan(one["p99"])
    assert one["longest"] == 14.0


def test_a_cell_says_value_interval_number_and_doubt():
    one = {"p50": 12.34, "p50_low": math.nan, "p50_high": 20.0, "n": 4, "saturated": 2, "longest": 30.0}
    assert _words(one, "p50") == "12.3 ▲\n? to 20.0\nn 4"
    assert _words(one | {"p50": math.nan, "saturated": 1}, "p50").startswith("> 30.0\n")


def test_titles_compare_like_with_like(made):
    for number in range(12):
        made.call(ttft_ms=10.0 + number / 10, provider="groq", scenario=f"s{number}")
        made.call(ttft_ms=100.0 + number / 10, provider="openai", scenario=f"s{number}")
    frames = made.frames()
    title = first_token_matrix(frames).title
    assert title == (
        "First token, medians of 24 streams of a healthy provider: from 10.6 ms (groq) to 101 ms (openai); "
        "their intervals do not touch"
    )
    assert total_matrix(frames).table["n"].sum() == 24


def test_distributions_keep_what_never_came_with_how_long_it_was_waited_for(frames):
    table = distributions(frames).table
    never = table[table["censored"]]
    assert len(never) == 6
    assert set(never["ms"]) == {90.0}
    assert set(table["time"]) == {"first token", "whole answer"}


def test_the_parts_add_up_to_the_time_to_first_content(frames):
    table = time_shares(frames).table
    parts = table[["before_ms", "others_ms", "provider_ms", "after_ms"]]
    assert parts.sum(axis=1).tolist() == pytest.approx([10.0] * len(table))
    assert set(table["share"]) == {0.5}


def test_faults_are_compared_on_the_scenarios_that_have_several(made):
    made.call(total_ms=5.0, scenario="alone")
    made.call(total_ms=20.0)
    made.call(total_ms=70.0, fault="cut")
    shown = by_fault(made.frames())
    assert list(zip(shown.table["fault"], shown.table["p50"], strict=True)) == [("cut", 70.0), ("none", 20.0)]
    against = "against 20.0 ms of the same calls without a fault"
    assert shown.title == f"'cut' keeps a client waiting longest: 70.0 ms at the median, {against}"


def test_the_slowest_cases_come_once_each_with_their_cassettes(made):
    for total_ms in (5.0, 50.0, 40.0):
        made.call(total_ms=total_ms)
    made.call(total_ms=45.0, fault="cut")
    table = slowest(made.frames()).table
    assert list(table["total_ms"]) == [50.0, 45.0]
    assert table["cassette"].str.startswith("cassettes/reference/").all()
