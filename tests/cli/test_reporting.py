"""``harness report`` where it cannot be done; where it can, the tests of the notebooks have it."""

import json


def test_without_a_run_it_says_how_to_make_one(harness, tmp_path):
    said = harness("report", "--results", str(tmp_path))
    assert said.code == 2
    assert "there is no run" in said.err


def test_without_the_notebooks_it_says_where_it_looked(harness, tmp_path):
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "run.json").write_text(json.dumps({"run": "r1"}))
    said = harness("report", "r1", "--results", str(tmp_path), "--notebooks", str(tmp_path))
    assert said.code == 2
    assert "the notebooks are not there" in said.err
    assert str(tmp_path) in said.err
    assert said.out == ""
