import dataclasses

import pandas as pd
import pytest

from harness import results
from harness.core.recording import Ending
from harness.core.verdict import Verdict
from harness.results.summaries import failure_rates, quantiles


@pytest.fixture
def found(runs, make, judgement):
    def case(number, provider, exchange, verdict):
        named = dataclasses.replace(runs.case, provider=provider, fault=f"f{number}")
        return named, [judgement(verdict=verdict, sentence="no" if verdict is Verdict.FAIL else None)], exchange

    made = [
        case(0, "groq", make.exchange([(100, make.event("a"))]), Verdict.PASS),
        case(1, "groq", make.exchange([(300, make.event("a"))]), Verdict.FAIL),
        case(2, "groq", make.exchange(headers=5, ended=50, ending=Ending.RESET), Verdict.WARN),
        case(3, "openai", make.exchange(headers=5, status=429), Verdict.UNSUPPORTED),
        case(4, "openai", make.exchange([(200, make.event("a"))]), Verdict.PASS),
    ]
    runs.write("r1", [(named, verdicts, make.recording(exchange)) for named, verdicts, exchange in made])
    return results.load(root=runs.root)


def test_percentiles_by_group_count_what_never_came(found):
    table = quantiles(found.exchanges, "ttft_ms", ["provider"]).set_index("provider")
    assert table.loc["groq", ["n", "censored", "refused"]].tolist() == [3, 1, 0]
    assert table.loc["groq", "p50"] == 300  # of 100, 300 and one that is larger than all
    assert pd.isna(table.loc["groq", "p99"])
    assert table.loc["openai", ["n", "censored", "refused"]].tolist() == [1, 0, 1]
    assert table.loc["openai", "p50"] == 200


def test_percentiles_of_everything(found):
    table = quantiles(found.exchanges, "total_ms", at=(0.5,))
    assert table[["n", "p50"]].values.tolist() == [[5, 100]]


def test_failure_rates_count_what_was_judged(found):
    table = failure_rates(found.verdicts, ["provider"]).set_index("provider")
    assert table.loc["groq", ["failed", "judged"]].tolist() == [1, 3]
    assert table.loc["groq", "rate"] == pytest.approx(1 / 3)
    assert table.loc["openai", ["failed", "judged", "rate"]].tolist() == [0, 1, 0]
    assert 0 < table.loc["openai", "high"] < 1


def test_nothing_to_count_is_an_empty_table(found):
    assert failure_rates(found.verdicts[:0]).empty
    assert quantiles(found.exchanges[:0], "ttft_ms", ["provider"]).empty
