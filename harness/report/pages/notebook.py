"""One notebook executed on a run, as a page of its own: no cell is left out, none is changed."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
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

LONGEST_SOCKET = 90
"""Characters of a path that a Unix socket may have, with some to spare."""

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

    The kernel's files are kept out of the user's home.

    Raises:
        HarnessError: a cell failed, or the kernel did.
    """
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        manager = _manager(Path(folder))
        client = _Client(
            notebook,
            km=manager,
            timeout=TIMEOUT_S,
            extra_arguments=["--HistoryManager.enabled=False"],
            on_cell_executed=lambda **_: told(name),
        )
        try:
            return await client.async_execute(env=_environment(run, folder))
        except CellExecutionError as failure:
            raise HarnessError(f"a cell failed: {failure.ename}: {failure.evalue}", where=name) from failure
        except (CellTimeoutError, DeadKernelError, RuntimeError) as failure:
            if _cancelled():  # which nbclient takes for the kernel's death
                raise asyncio.CancelledError from failure
            raise HarnessError(f"the notebook's kernel failed: {failure}", where=name) from failure
        finally:
            if manager.has_kernel:
                await asyncio.shield(manager.shutdown_kernel(now=True))  # there is nothing in it to be saved


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


class _Client(NotebookClient):
    """A client that leaves signals, the exit of the process and the kernel's end to its caller."""

    @asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncIterator[None]:
        """Start the kernel, and talk to it as long as the context is open."""
        try:
            await self.async_start_new_kernel(**kwargs)
            await self.async_start_new_kernel_client()
            yield
        finally:
            if self.kc is not None:
                self.kc.stop_channels()


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _manager(folder: Path) -> AsyncKernelManager:
    """A manager whose kernel listens on sockets in the folder; where their names would be too long, on loopback."""
    connection = folder / "kernel.json"
    transport = "ipc" if len(str(connection)) < LONGEST_SOCKET else "tcp"
    return AsyncKernelManager(kernel_name="python3", transport=transport, connection_file=str(connection))


def _environment(run: Path, folder: str) -> Mapping[str, str]:
    return {**os.environ, **_QUIET, "IPYTHONDIR": folder, RUN_VARIABLE: str(run.resolve())}
