import pytest

from harness.core.errors import UsageError
from harness.report.opening import open_run, results_folder, run_name


@pytest.fixture
def nothing_said(monkeypatch):
    for name in ("HARNESS_RUN", "HARNESS_RESULTS"):
        monkeypatch.delenv(name, raising=False)


pytestmark = pytest.mark.usefixtures("nothing_said")


def test_opened_by_hand_a_notebook_looks_at_the_latest_run_above_its_folder(made, monkeypatch):
    made.write()
    notebooks = made.path.parent.parent / "notebooks"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    assert results_folder() == made.path.parent
    assert open_run(run_name()).stored[0].id == "r1"


def test_the_environment_says_which_run(made, monkeypatch, tmp_path_factory):
    made.write()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("HARNESS_RUN", str(made.path))
    assert open_run(run_name()).stored[0].path == made.path
    monkeypatch.setenv("HARNESS_RESULTS", str(made.path.parent))
    assert open_run("r").stored[0].id == "r1"


def test_where_there_is_no_run_it_says_how_to_make_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_RESULTS", str(tmp_path))
    with pytest.raises(UsageError, match="there is no run"):
        open_run()
