"""One notebook executed on a run, as a page of its own: no cell is left out, none is changed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

from harness.core.errors import HarnessError
from harness.report.opening import RUN_VARIABLE

from .shell import page

TIMEOUT_S = 180
"""For one cell, on a busy machine."""

_TEMPLATE = """{%- extends 'basic/index.html.j2' -%}
{% block input %}<details class="code"><summary>code</summary>{{ super() }}</details>{% endblock %}
"""
_QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "MPLBACKEND": "agg", "IPYTHONDIR": "", "JUPYTER_PLATFORM_DIRS": "1"}


def read_notebook(path: Path) -> Any:
    """A notebook as it is committed.

    Raises:
        HarnessError: it is none.
    """
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError) as broken:
        raise HarnessError("is not a notebook that can be read", where=str(path)) from broken


def code_cells(notebook: Any) -> int:
    """How many cells there are to execute."""
    return sum(1 for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip())


async def execute(notebook: Any, run: Path, *, name: str, told: Callable[[str], None]) -> Any:
    """Execute a notebook on the run in a folder, in a fresh kernel; ``told`` is called after each cell.

    The kernel's files are kept out of the user's home, and it listens on no port.

    Raises:
        HarnessError: a cell failed, or the kernel did.
    """
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        manager = AsyncKernelManager(
            kernel_name="python3", transport="ipc", connection_file=str(Path(folder) / "kernel.json")
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=TIMEOUT_S,
            extra_arguments=["--HistoryManager.enabled=False"],
            on_cell_executed=lambda **_: told(name),
        )
        try:
            return await client.async_execute(env=_environment(run, folder), cleanup_kc=True)
        except CellExecutionError as failure:
            raise HarnessError(f"a cell failed: {failure.ename}: {failure.evalue}", where=name) from failure
        except (CellTimeoutError, DeadKernelError, RuntimeError) as failure:
            raise HarnessError(f"the notebook's kernel failed: {failure}", where=name) from failure


def to_html(notebook: Any, title: str, here: str) -> str:
    """An executed notebook as a page that needs nothing else."""
    exporter = HTMLExporter(
        template_name="basic",
        raw_template=_TEMPLATE,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(notebook)
    return page(title, body, here=here)


def _environment(run: Path, folder: str) -> Mapping[str, str]:
    return {**os.environ, **_QUIET, "IPYTHONDIR": folder, RUN_VARIABLE: str(run.resolve())}
