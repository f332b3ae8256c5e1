"""A run as JUnit XML, for the page of a job. A suite is a case, a test is a contract that had something to judge.

JUnit knows fewer outcomes than there are verdicts: what is unsupported or inconclusive is *skipped* and says which, a
broken SHOULD passes and says so in its output, a failure of the harness is an *error*, never a *failure*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from harness.core.verdict import Verdict
from harness.results.runs import StoredRun

from .run_counts import VERDICT_COLUMNS, RunCounts, run_counts

SKIPPED = (Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Row = Mapping[str, Any]


def junit(run: StoredRun) -> ElementTree[Element]:
    """The document; counts are on every level."""
    counts = run_counts(run)
    by_case: dict[str, list[Row]] = {}
    for row in run.rows("verdicts", VERDICT_COLUMNS):
        by_case.setdefault(row["case_name"], []).append(row)
    every = [row for rows in by_case.values() for row in rows]
    root = Element("testsuites", {"name": f"harness {run.id}", **_counts(every)})
    root.set("time", f"{counts.facts.get('seconds') or 0:.3f}")
    for case in run.rows("cases", ("case_name", "took_ms")):
        judged = by_case.get(case["case_name"], [])
        suite = SubElement(root, "testsuite", {"name": case["case_name"], **_counts(judged)})
        suite.set("time", f"{case['took_ms'] / 1000:.3f}")
        suite.set("timestamp", str(counts.facts.get("started_at", "")))
        for verdict in judged:
            _test(suite, verdict, counts)
    indent(root)
    return ElementTree(root)


def _test(suite: Element, row: Row, counts: RunCounts) -> None:
    test = SubElement(suite, "testcase", classname=row["case_name"].replace("/", "."), name=row["contract"], time="0")
    verdict = Verdict(row["verdict"])
    if verdict is Verdict.FAIL:
        SubElement(test, "failure", type=row["contract"], message=_clean(row["sentence"])).text = _told(row, counts)
    elif verdict is Verdict.ERROR:
        SubElement(test, "error", type="harness", message=_clean(row["note"]))
    elif verdict in SKIPPED:
        SubElement(test, "skipped", message=_clean(f"{verdict.value}: {row['note']}"))
    elif verdict is Verdict.WARN:
        SubElement(test, "system-out").text = "warning, a SHOULD is broken: " + _told(row, counts)


def _told(row: Row, counts: RunCounts) -> str:
    """Every violation with its evidence, and the command that judges the cassette again."""
    lines = []
    for finding in json.loads(row["findings"] or "[]"):
        lines += [finding["sentence"], *(f"  evidence: {pointer}" for pointer in finding["evidence"])]
    command = counts.command(row["case_name"], row["contract"])
    return _clean("\n".join([*lines, *([f"again: {command}"] if command else [])]))


def _counts(rows: Sequence[Row]) -> dict[str, str]:
    verdicts = [row["verdict"] for row in rows]
    return {
        "tests": str(len(rows)),
        "failures": str(verdicts.count(Verdict.FAIL.value)),
        "errors": str(verdicts.count(Verdict.ERROR.value)),
        "skipped": str(sum(verdicts.count(verdict.value) for verdict in SKIPPED)),
    }


def _clean(text: str | None) -> str:
    """Text that XML can hold: control characters that it cannot are shown as their escapes."""
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text or "")
