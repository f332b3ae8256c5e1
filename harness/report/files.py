"""The files that a job's page is made of, from a run that is kept."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import CassetteWrite
from harness.results.runs import StoredRun

from .junit import junit as junit_document
from .markdown import markdown as markdown_page


def write_files(run: StoredRun, *, junit: Path | None = None, markdown: Path | None = None) -> None:
    """Write those that have a path; folders are made.

    Raises:
        CassetteWrite: one cannot be written.
    """
    for path, make in ((junit, _junit), (markdown, _markdown)):
        if path is None:
            continue
        data = make(run)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as failure:
            raise CassetteWrite(f"cannot be written: {failure.strerror}", where=str(path)) from failure


def _junit(run: StoredRun) -> bytes:
    from xml.etree.ElementTree import tostring

    return bytes(tostring(junit_document(run).getroot(), encoding="utf-8", xml_declaration=True)) + b"\n"


def _markdown(run: StoredRun) -> bytes:
    return markdown_page(run).encode()
