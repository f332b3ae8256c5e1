import pytest

from harness.core.errors import UnknownName, UsageError
from harness.results.runs import find_run, find_runs, read_ndjson


@pytest.fixture
def root(runs):
    for name in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        runs.write(name)
    return runs.root


@pytest.mark.parametrize("name", ["20260102-000000-bbbb", "20260102", "latest"])
def test_a_run_is_found_by_id_by_its_beginning_and_as_the_latest(root, name):
    assert find_run(name, root).id == "20260102-000000-bbbb"


def test_a_run_is_found_by_its_folder_whatever_that_is_called_now(root, tmp_path):
    (root / "20260101-000000-aaaa").rename(root / "zz-baseline")
    assert find_run(str(root / "zz-baseline")).id == "20260101-000000-aaaa"
    assert find_run("zz-baseline", root).id == "20260101-000000-aaaa"
    assert find_run("latest", root).id == "20260102-000000-bbbb"


def test_an_ambiguous_and_an_unknown_name_say_so(root):
    with pytest.raises(UsageError, match="2 runs begin with '2026'"):
        find_run("2026", root)
    with pytest.raises(UnknownName, match="20260102-000000-bbbb"):
        find_run("20260102-000000-bbbc", root)
    with pytest.raises(UnknownName):
        find_run("", root)


def test_without_runs_it_says_how_to_make_one(tmp_path):
    with pytest.raises(UsageError, match="harness run"):
        find_run("latest", tmp_path)


def test_many_runs_each_once_all_where_none_is_named(root):
    assert [run.id for run in find_runs((), root)] == ["20260101-000000-aaaa", "20260102-000000-bbbb"]
    assert [run.id for run in find_runs(("latest", "20260102"), root)] == ["20260102-000000-bbbb"]
    assert find_runs((), root / "nowhere") == []


def test_a_broken_run_is_named(root):
    (root / "20260102-000000-bbbb" / "run.json").write_text("{")
    with pytest.raises(UsageError, match="20260102-000000-bbbb"):
        find_runs((), root)


def test_a_torn_last_line_is_left_out_and_any_other_is_an_error(tmp_path):
    path = tmp_path / "a.ndjson"
    assert list(read_ndjson(path)) == []
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n{"a":')
    assert list(read_ndjson(path)) == [{"a": 1}, {"a": 2}]
    path.write_bytes(b'{"a":\n{"a": 2}\n')
    with pytest.raises(UsageError, match=r"a\.ndjson"):
        list(read_ndjson(path))
