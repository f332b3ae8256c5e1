import pytest

from harness import results
from harness.core.errors import UsageError
from harness.core.verdict import Verdict
from harness.results.columns import TABLES
from harness.results.readable import RunSkipped
from harness.results.runs import find_runs
from harness.results.sql import ask


@pytest.fixture
def stored(runs, make, judgement):
    cases = [(runs.case, [judgement(), judgement("a.b", Verdict.FAIL, "no")], make.recording(make.bursty()))]
    runs.write("r1", cases)
    runs.write("r2", cases, finish=False)
    return find_runs((), runs.root)


def test_finished_and_killed_runs_are_asked_together(stored):
    found = ask("select run, verdict, count(*) as n from verdicts group by all order by all", stored)
    assert found.columns == ("run", "verdict", "n")
    assert found.rows == (("r1", "fail", 1), ("r1", "pass", 1), ("r2", "fail", 1), ("r2", "pass", 1))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "which", [slice(0, 1), slice(1, 2), slice(0, 2), slice(0, 0)], ids=["r1", "r2", "both", "none"]
)
def test_every_table_is_a_view_with_its_columns(stored, table, which):
    assert ask(f"from {table}", stored[which]).columns == tuple(column.name for column in TABLES[table])


def test_json_has_plain_values(stored):
    (row,) = ask("select started_at, finished, 1.5 as x, null as y from runs where finished", stored).to_json()
    assert row["finished"] is True
    assert (row["x"], row["y"]) == (1.5, None)
    assert str(row["started_at"]).startswith("20")


def test_a_frame_comes_of_it(runs, stored):
    found = results.query("select run, ttft_ms from exchanges order by run", root=runs.root)
    assert found["ttft_ms"].tolist() == [200, 200]
    assert results.query("from runs", "r1", root=runs.root)["run"].tolist() == ["r1"]


def test_a_query_that_makes_no_sense_is_the_users_error(stored, runs):
    with pytest.raises(UsageError, match="cannot be answered"):
        ask("selec", stored)
    with pytest.raises(UsageError, match="nothing_such"):
        results.query("from nothing_such", root=runs.root)


@pytest.fixture
def of_another_shape(runs, judgement):
    """A run that a version with other columns left unfinished."""
    path = runs.write("r0", [(runs.case, [judgement()], None)], finish=False)
    (path / "verdicts.ndjson").write_text('{"contract": "a.b", "violations": ["no"]}\n')
    return path


def test_a_run_that_cannot_be_read_is_passed_over_and_named(stored, of_another_shape, runs):
    with pytest.warns(RunSkipped, match="r0 was left unfinished by another version of the harness"):
        found = results.query("select run from runs order by run", root=runs.root)
    assert found["run"].tolist() == ["r1", "r2"]
    with pytest.warns(RunSkipped, match="r0"):
        assert sorted(results.load(root=runs.root).runs["run"]) == ["r1", "r2"]


def test_a_run_that_cannot_be_read_and_is_asked_for_is_refused(of_another_shape, runs):
    with pytest.raises(UsageError, match="r0 was left unfinished by another version of the harness"):
        results.query("from runs", "r0", root=runs.root)
