"""The other tools' definitions on the same stream as ours: see ``Maker.bursty``. 8 tokens, 7 content chunks."""

import pytest

from harness.results import others
from harness.results.latency import call_times


@pytest.fixture
def call(make):
    return call_times(make.bursty())


def test_guidellm(call):
    found = others.guidellm(call)
    assert (found.ttft_ms, found.total_ms) == (200, 480)
    assert found.itl_ms == pytest.approx(250 / 7)
    assert found.tpot_ms == pytest.approx(450 / 8)


def test_aiperf(call):
    found = others.aiperf(call)
    assert (found.ttft_ms, found.total_ms) == (200, 450)
    assert found.itl_ms == pytest.approx(250 / 7)
    assert found.gaps_ms == (100, 0, 0, 0, 0, 150)
    assert others.aiperf(call, first_chunk_tokens=3).itl_ms == pytest.approx(250 / 5)


def test_vllm_counts_the_role_and_the_finish_chunk(call):
    found = others.vllm(call)
    assert (found.ttft_ms, found.total_ms) == (100, 460)
    assert found.gaps_ms == (100, 100, 0, 0, 0, 0, 150, 10)
    assert found.tpot_ms == pytest.approx(360 / 7)


@pytest.mark.parametrize("tool", others.TOOLS)
def test_without_content_none_has_a_first_token(make, tool):
    found = others.TOOLS[tool](call_times(make.exchange(headers=10, ended=50)))
    assert found.ttft_ms is None
    assert (found.itl_ms, found.tpot_ms, found.gaps_ms) == (None, None, ())


@pytest.mark.parametrize("tool", others.TOOLS)
def test_without_a_count_of_tokens_nothing_is_divided_by_it(make, tool):
    found = others.TOOLS[tool](call_times(make.exchange([(10, make.event("a")), (20, make.event("b"))])))
    assert (found.itl_ms, found.tpot_ms) == (None, None)


def test_a_percentile_of_few_values_depends_on_the_tool():
    values = list(range(1, 11))
    assert others.percentile("guidellm", values, 75) == 8
    assert others.percentile("vllm", values, 75) == pytest.approx(7.75)
