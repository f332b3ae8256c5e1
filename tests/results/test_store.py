import json

import pytest

from harness.core.errors import CassetteWrite
from harness.core.verdict import Verdict
from harness.results.store import JOURNALS, RunFolder, write_json


def test_what_is_appended_is_there_at_once(runs, make, judgement):
    path = runs.write("r1", [(runs.case, [judgement()], make.recording(make.bursty()))], finish=False)
    lines = {name: (path / f"{name}.ndjson").read_text().splitlines() for name in JOURNALS}
    assert {name: len(found) for name, found in lines.items()} == {
        "cases": 1,
        "verdicts": 1,
        "exchanges": 1,
        "segments": 6,
        "probes": 0,
        "races": 0,
    }
    assert json.loads((path / "run.json").read_text())["finished"] is False


def test_the_end_writes_parquet_and_says_so(runs, judgement):
    path = runs.write("r1", [(runs.case, [judgement(), judgement("x.y", Verdict.NOT_APPLICABLE)], None)])
    assert {file.stem for file in path.glob("*.parquet")} == {*JOURNALS, "runs"}
    facts = json.loads((path / "run.json").read_text())
    assert facts["finished"] is True
    assert facts["jobs"] == 1
    assert facts["verdicts"]["not-applicable"] == 1
    assert not list(path.glob("*.new"))


def test_a_folder_that_cannot_be_made_says_where(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CassetteWrite, match="file"):
        RunFolder("r1", root=tmp_path / "file")


def test_a_document_takes_the_place_of_the_old_one(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    write_json(tmp_path / "a.json", {"a": 2})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
