"""Frames over runs: finished, killed, empty, and many at once."""

import dataclasses

import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness import results
from harness.core.errors import UsageError
from harness.core.recording import Probe
from harness.core.verdict import Verdict
from harness.results.columns import TABLES, Type


@pytest.fixture
def cases(runs, make, judgement):
    other = dataclasses.replace(runs.case, provider="openai", fault="cut")
    recording = make.recording(make.bursty(), probes=(Probe("ledger", 2_000_000, {"balance": 1}),))
    broken = [judgement(verdict=Verdict.FAIL, sentence="no"), judgement("x.y", Verdict.NOT_APPLICABLE)]
    return [(runs.case, [judgement()], recording), (other, broken, make.recording())]


def frames(runs, *names):
    return results.load(*names, root=runs.root)


def test_every_table_has_exactly_its_declared_columns(runs, cases):
    runs.write("r1", cases)
    for name, columns in TABLES.items():
        table = frames(runs).table(name)
        assert list(table.columns) == [column.name for column in columns]
        for column in columns:
            if column.type is Type.NAME:
                assert isinstance(table[column.name].dtype, pd.CategoricalDtype)


def test_the_parts_of_a_case_are_columns(runs, cases):
    runs.write("r1", cases)
    row = frames(runs).verdicts.iloc[1]
    assert [row[name] for name in ("run", "target", "system", "scenario", "provider", "fault")] == [
        "r1",
        "reference",
        "gateway",
        "chat-stream",
        "openai",
        "cut",
    ]
    assert (row["contract"], row["verdict"], row["sentence"]) == ("stream.words-faithful", "fail", "no")


def test_counts_of_what_has_no_row_are_kept(runs, cases):
    runs.write("r1", cases)
    found = frames(runs)
    assert len(found.verdicts) == 2
    assert found.cases["not_applicable"].tolist() == [0, 1]
    assert found.runs["not_applicable"].tolist() == [1]


def test_exchanges_segments_and_probes(runs, cases):
    runs.write("r1", cases)
    found = frames(runs)
    assert found.exchanges["ttft_ms"].tolist() == [200]
    assert found.segments["chunks"].tolist() == [0, 1, 5, 1, 0, 0]
    assert found.probes["data"].tolist() == ['{"balance":1}']
    assert found.runs["started_at"].dt.tz is not None


def test_a_killed_run_gives_the_same_frames_from_what_it_had_appended(runs, cases):
    runs.write("r1", cases)
    runs.write("r2", cases, finish=False)
    whole, killed = frames(runs, "r1"), frames(runs, "r2")
    for name in ("cases", "verdicts", "exchanges", "segments", "probes", "races"):
        left, right = whole.table(name).drop(columns="run"), killed.table(name).drop(columns="run")
        pd.testing.assert_frame_equal(left, right, check_categorical=False)
    assert killed.runs["finished"].tolist() == [False]
    assert killed.runs[["cases", "passed", "failed", "not_applicable"]].values.tolist() == [[2, 1, 1, 1]]
    assert killed.runs["seconds"].isna().all()


def test_many_runs_stand_below_each_other(runs, cases):
    runs.write("r1", cases)
    runs.write("r2", cases[:1], finish=False)
    runs.write("r3", cases[1:])
    found = frames(runs)
    assert found.runs["run"].tolist() == ["r1", "r2", "r3"]
    assert found.verdicts.groupby("run", observed=True).size().to_dict() == {"r1": 2, "r2": 1, "r3": 1}
    assert isinstance(found.verdicts["contract"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize("finish", [True, False])
def test_a_run_without_cases_has_empty_frames_and_a_row_of_its_own(runs, finish):
    runs.write("r1", finish=finish)
    found = frames(runs)
    assert found.verdicts.empty
    assert found.exchanges.empty
    assert found.runs["cases"].tolist() == [0]


def test_no_run_at_all_is_empty_frames(runs):
    found = frames(runs)
    assert found.runs.empty
    assert list(found.runs.columns) == [column.name for column in TABLES["runs"]]


def test_a_run_of_cases_without_streams(runs, make, judgement):
    plain = make.exchange([(5, b"{}")], kind="application/json", stream=False)
    runs.write("r1", [(runs.case, [judgement()], make.recording(plain))])
    row = frames(runs).exchanges.iloc[0]
    assert row["ttft_state"] == "not-streamed"
    assert pd.isna(row["ttft_ms"])


def test_a_run_of_an_older_harness_lacks_columns_and_is_read(runs, cases):
    path = runs.write("r1", cases) / "exchanges.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["target_share", "saturated"]), path)
    runs.write("r2", cases)
    found = frames(runs).exchanges
    assert list(found.columns) == [column.name for column in TABLES["exchanges"]]
    assert found["target_share"].isna().all()


def test_an_unknown_run_is_an_error(runs, cases):
    runs.write("r1", cases)
    with pytest.raises(UsageError):
        frames(runs, "nothing")


def test_a_run_from_before_there_was_a_table_has_none_of_its_rows(runs, judgement):
    path = runs.write("r1", [(runs.case, [judgement()], None)])
    (path / "races.parquet").unlink()
    assert results.load("r1", root=path.parent).races.empty
    assert list(results.query("select count(*) as n from races", "r1", root=path.parent)["n"]) == [0]
