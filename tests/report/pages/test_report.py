import asyncio

import psutil
import pytest

from harness.core.errors import HarnessError, UsageError
from harness.report.pages.notebook import execute, read_notebook
from harness.report.pages.report import NOTEBOOKS, notebook_folder


def test_the_notebooks_are_found_beside_the_package():
    folder = notebook_folder()
    assert all((folder / f"{name}.ipynb").is_file() for name in NOTEBOOKS)


def test_a_folder_without_the_notebooks_is_refused(tmp_path):
    with pytest.raises(UsageError, match="the notebooks are not there"):
        notebook_folder(tmp_path)


def test_what_is_no_notebook_is_refused(tmp_path):
    path = tmp_path / "latency.ipynb"
    path.write_text("{")
    with pytest.raises(HarnessError, match="not a notebook"):
        read_notebook(path)


async def test_a_cell_that_fails_is_a_failure_of_ours_that_names_the_notebook(tmp_path):
    notebook = read_notebook(notebook_folder() / "latency.ipynb")
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:1]
    notebook.cells[0].source = "1 / 0"
    done = []
    with pytest.raises(HarnessError, match=r"latency: a cell failed: ZeroDivisionError") as raised:
        await execute(notebook, tmp_path, name="latency", told=done.append)
    assert "division by zero" in str(raised.value)


async def test_interrupted_a_kernel_is_gone_with_what_it_was_doing(tmp_path):
    notebook = read_notebook(notebook_folder() / "latency.ipynb")
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:2]
    notebook.cells[0].source = "import os; os.getpid()"
    notebook.cells[1].source = "import threading; threading.Event().wait()"
    began = asyncio.Event()
    running = asyncio.create_task(execute(notebook, tmp_path, name="latency", told=lambda _: began.set()))
    await asyncio.wait_for(began.wait(), 120)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not psutil.pid_exists(int(notebook.cells[0].outputs[0].data["text/plain"]))


async def test_a_kernel_is_told_which_run_and_keeps_no_history(tmp_path):
    notebook = read_notebook(notebook_folder() / "latency.ipynb")
    notebook.cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    notebook.cells[0].source += "\nprint(RUN, get_ipython().history_manager.enabled)"
    done = await execute(notebook, tmp_path, name="latency", told=lambda _: None)
    assert done.cells[0].outputs[0].text == f"{tmp_path} False\n"
