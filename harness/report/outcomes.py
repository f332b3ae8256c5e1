"""What a correct backend does under each fault, as Markdown: the tables of the README, made from the data."""

from __future__ import annotations

from harness.core.fault import FAULTS
from harness.core.names import Answer, System
from harness.systems.outcomes import BEHAVIOURS, rows

BEGIN, END = "<!-- faults: made by harness.report.outcomes -->", "<!-- end of faults -->"
"""Between these lines a document holds the tables."""


def fault_tables() -> str:
    """A table for each system: what its client gets, and the faults under which it gets that."""
    return "".join(f"\n### {system.value}\n\n{_table(system)}" for system in BEHAVIOURS) + "\n"


def with_fault_tables(document: str) -> str:
    """A document with the tables between its two marks brought up to date; one without them as it is."""
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{fault_tables()}{END}{after}" if begin and end else document


def _table(system: System) -> str:
    """One line for each thing that a client can get, in the order of the first fault that leads there."""
    lines = [["the client gets", "under"], ["---", "---"]]
    lines += [[words, ", ".join(faults)] for words, faults in _outcomes(system).items()]
    return "".join(f"{_line(cells)}\n" for cells in lines)


def _outcomes(system: System) -> dict[str, list[str]]:
    """What a client is told -> the faults, each with the kind of answer where the other kind fares otherwise."""
    found: dict[str, list[str]] = {}
    for fault in FAULTS:
        said: dict[str, list[Answer]] = {}
        for row in rows(fault):
            if row.system is system:
                said.setdefault(row.words, []).append(row.answer)
        for words, answers in said.items():
            both = len(said) == 1 and len(answers) in (len(BEHAVIOURS[system].answers), len(FAULTS[fault].applies))
            found.setdefault(words, []).append(f"`{fault}`" if both else f"`{fault}` ({_kind(answers[0])})")
    return found


def _kind(answer: Answer) -> str:
    return "streamed" if answer is Answer.STREAM else "plain"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
