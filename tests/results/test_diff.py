import dataclasses

import pytest

from harness.core.recording import Mark
from harness.core.verdict import Verdict
from harness.results.diff import Change, change, diff
from harness.results.rows import LAG_MARK
from harness.results.runs import find_run


def compare(runs, before="r1", after="r2"):
    return diff(find_run(before, runs.root), find_run(after, runs.root))


def short(found):
    return [(one.change, one.contract, one.before, one.after) for one in found.changed]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("pass", "pass", None),
        ("fail", "fail", None),
        ("pass", "fail", Change.BROKE),
        ("not-applicable", "fail", Change.BROKE),
        ("warn", "fail", Change.BROKE),
        ("fail", "pass", Change.MENDED),
        ("warn", "pass", Change.MENDED),
        ("fail", "warn", Change.MENDED),
        ("pass", "warn", Change.WARNED),
        ("not-applicable", "warn", Change.WARNED),
        ("pass", "not-applicable", Change.LOST),
        ("fail", "error", Change.LOST),
        ("pass", "inconclusive", Change.LOST),
        ("error", "pass", Change.GAINED),
        ("not-applicable", "unsupported", None),
    ],
)
def test_what_a_verdict_turning_into_another_is(before, after, expected):
    assert change(before, after) is expected


def test_what_broke_and_what_mended_both_ways(runs, make, judgement):
    held, broken = judgement(), judgement(verdict=Verdict.FAIL, sentence="It ended twice.")
    runs.write("r1", [(runs.case, [held, judgement("a.b")], make.recording())])
    runs.write("r2", [(runs.case, [broken, judgement("a.b")], make.recording())])
    there, back = compare(runs), compare(runs, "r2", "r1")
    assert short(there) == [(Change.BROKE, "stream.words-faithful", "pass", "fail")]
    assert short(back) == [(Change.MENDED, "stream.words-faithful", "fail", "pass")]
    assert [one.sentence for one in (*there.changed, *back.changed)] == ["It ended twice.", "It ended twice."]
    assert there.changed[0].cassette.endswith("groq.none.yaml")
    assert (there.exit_code, back.exit_code) == (1, 0)


def test_a_run_is_the_same_as_itself(runs, make, judgement):
    runs.write("r1", [(runs.case, [judgement()], make.recording(make.bursty()))])
    found = compare(runs, "r1", "r1")
    assert (found.changed, found.exit_code, found.unlike) == ((), 0, ())


def test_what_is_not_judged_any_more_is_told(runs, judgement):
    runs.write("r1", [(runs.case, [judgement()], None)])
    runs.write("r2", [(runs.case, [judgement(verdict=Verdict.NOT_APPLICABLE)], None)])
    found = compare(runs)
    assert short(found) == [(Change.LOST, "stream.words-faithful", "pass", "not-applicable")]
    assert found.exit_code == 3


def test_a_contract_that_was_not_selected_has_lost_nothing(runs, judgement):
    runs.write("r1", [(runs.case, [judgement(), judgement("a.b")], None)])
    runs.write("r2", [(runs.case, [judgement()], None)])
    assert compare(runs).changed == ()


def test_cases_of_one_run_only_are_counted_not_judged(runs, judgement):
    other = dataclasses.replace(runs.case, fault="cut")
    broken = [judgement(verdict=Verdict.FAIL, sentence="no")]
    runs.write("r1", [(runs.case, [judgement()], None)])
    runs.write("r2", [(runs.case, [judgement()], None), (other, broken, None)])
    found = compare(runs)
    assert (found.changed, found.cases, found.only_before, found.only_after) == ((), 1, (), (str(other),))


def test_runs_with_no_case_in_common_say_nothing(runs, judgement):
    runs.write("r1", [(runs.case, [judgement()], None)])
    runs.write("r2")
    assert compare(runs).exit_code == 3


def test_a_killed_run_is_compared_as_far_as_it_came(runs, make, judgement):
    other = dataclasses.replace(runs.case, fault="cut")
    broken = [judgement(verdict=Verdict.FAIL, sentence="no")]
    runs.write("r1", [(runs.case, [judgement()], make.recording()), (other, [judgement()], None)])
    runs.write("r2", [(runs.case, broken, make.recording())], finish=False)
    found = compare(runs)
    assert short(found) == [(Change.BROKE, "stream.words-faithful", "pass", "fail")]
    assert found.only_before == (str(other),)


def test_what_may_explain_a_change_is_told(runs):
    runs.write("r1", jobs=1)
    runs.write("r2", jobs=16)
    assert compare(runs).unlike == ("jobs: 1 before, 16 after",)


def timed(runs, make, name, firsts_ms, lag_ms=0.0):
    """A run of as many cases as there are times to first token."""
    cases = []
    for number, first_ms in enumerate(firsts_ms):
        case = dataclasses.replace(runs.case, fault=f"f{number}")
        exchange = make.exchange([(first_ms, make.event("a"))], headers=10, ended=first_ms + 1)
        mark = Mark(LAG_MARK, 0, {"case_ms": lag_ms, "exchanges": {"c1": lag_ms}})
        cases.append((case, [], make.recording(exchange, marks=(mark,))))
    runs.write(name, cases)


def pace(found, metric, scenario=None):
    (one,) = [one for one in found.paces if (one.metric, one.scenario) == (metric, scenario)]
    return one


def test_what_got_slower_is_told_with_an_interval_both_ways(runs, make):
    timed(runs, make, "r1", [100, 110, 120, 130, 140, 150, 160])
    timed(runs, make, "r2", [200, 220, 240, 260, 280, 300, 320])
    there, back = compare(runs), compare(runs, "r2", "r1")
    slower, faster = pace(there, "ttft_ms"), pace(back, "ttft_ms")
    assert (slower.verdict, faster.verdict) == ("slower", "faster")
    assert (slower.before_ms, slower.after_ms, slower.ratio.n) == (130, 260, 7)
    assert slower.ratio.value == pytest.approx(2)
    assert faster.ratio.value == pytest.approx(0.5)
    assert pace(there, "headers_ms").verdict == "same"
    assert pace(there, "ttft_ms", "chat-stream").verdict == "slower"
    assert there.exit_code == 0


def test_a_change_that_goes_both_ways_is_none(runs, make):
    timed(runs, make, "r1", [100, 110, 120, 130, 140, 150, 160, 170])
    timed(runs, make, "r2", [200, 55, 240, 65, 280, 75, 320, 85])
    assert pace(compare(runs), "ttft_ms").verdict == "same"


def test_few_pairs_are_too_few(runs, make):
    timed(runs, make, "r1", [100] * 5)
    timed(runs, make, "r2", [900] * 5)
    found = compare(runs)
    assert pace(found, "ttft_ms").verdict == "too few"
    assert {one.scenario for one in found.paces} == {None}


def test_what_was_measured_while_saturated_is_left_out_and_counted(runs, make):
    timed(runs, make, "r1", [100] * 7)
    timed(runs, make, "r2", [900] * 7, lag_ms=50.0)
    found = pace(compare(runs), "ttft_ms")
    assert (found.ratio.n, found.saturated, found.verdict) == (0, 7, "too few")
