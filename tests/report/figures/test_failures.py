"""What figures of failures say is what the frames hold."""

import pytest

from harness.report.figures import (
    answers,
    failure_list,
    failure_rates,
    fault_matrix,
    likely_causes,
    provider_matrix,
    taxonomy,
)
from harness.report.figures.failure_taxonomy import ANSWERS


def test_the_matrix_counts_every_verdict(frames):
    table = provider_matrix(frames).table
    counted = frames.verdicts["verdict"].astype(str).value_counts()
    for verdict in ("pass", "fail", "warn", "inconclusive"):
        assert table[verdict].sum() == counted[verdict]
    told = table[(table["contract"] == "stream.told") & (table["provider"] == "groq")].iloc[0]
    assert (told["judged"], told["broken_share"]) == (5, 0.4)
    assert told["low"] == pytest.approx(0.1176, abs=1e-3)  # Wilson's interval of 2 of 5
    assert told["high"] == pytest.approx(0.7693, abs=1e-3)


def test_titles_say_what_is_broken_and_where(frames):
    assert provider_matrix(frames).title == "1 contract is broken, of 2 judged; under every provider: groq, openai"
    assert fault_matrix(frames).title == "1 contract is broken, of 2 judged; under 2 of 5 faults: http-429, cut"
    assert likely_causes(frames).title == "One likely cause explains all 4 broken verdicts, in 4 cases"
    assert taxonomy(frames).title == (
        "All 4 broken verdicts are of 'stream', where the provider answered with an error status or broke off"
    )


def test_with_nothing_broken_the_title_says_how_sure_that_is(made):
    for number in range(10):
        made.verdict("a.b", scenario=f"s{number}")
    made.verdict("c.d")
    frames = made.frames()
    assert (
        failure_rates(frames).title
        == "Nothing is broken; least sure of 'c': 0 of 1, so up to 79.3% may be broken unseen"
    )
    assert provider_matrix(frames).title.startswith("No contract is broken: 2 held under every provider")
    assert likely_causes(frames).draw is None


def test_rates_are_of_broken_contracts_the_worst_first(frames, made):
    table = failure_rates(frames).table
    assert list(table["contract"]) == ["stream.told"]
    assert (table["broken"][0], table["judged"][0], table["level"][0]) == (4, 10, "MUST")


def test_a_target_that_says_the_same_of_everything_is_called_out(made):
    for fault in ("http-401", "http-404", "refused"):
        made.call(fault=fault, columns={"status": 500})
    shown = answers(made.frames())
    assert shown.name == ANSWERS
    assert shown.title == "100% of 3 failed calls under a fault read the same: 500. What went wrong cannot be told"


def test_answers_count_every_call(frames):
    table = answers(frames).table
    assert table["calls"].sum() == (frames.exchanges["side"] == "client").sum()
    assert "none: client-close" in set(table["answer"])


def test_every_broken_verdict_is_listed_with_a_link_to_its_cassette(frames):
    shown = failure_list(frames)
    assert len(shown.table) == 4
    assert 'href="cassettes/reference/gateway/chat-stream/groq.cut.yaml"' in shown.html()
    assert "<details open>" in shown.html()
