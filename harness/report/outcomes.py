"""What a correct backend does under each fault, as Markdown: the table of the README, made from the data."""

from __future__ import annotations

from harness.core.fault import FAULTS
from harness.core.names import Answer, System
from harness.systems.outcomes import BEHAVIOURS, rows

BEGIN, END = "<!-- faults: made by harness.report.outcomes -->", "<!-- end of faults -->"
"""Between these lines a document holds the table."""


def fault_table() -> str:
    """One line for each fault: its id, what the provider does, and what each system must make of it."""
    head = ["fault", "the provider", *[system.value for system in BEHAVIOURS]]
    lines = [head, ["---"] * len(head)]
    lines += [
        [f"`{one.id}`", one.summary, *[_cell(one.id, system) for system in BEHAVIOURS]] for one in FAULTS.values()
    ]
    return "".join(f"{_line(cells)}\n" for cells in lines)


def with_fault_table(document: str) -> str:
    """A document with the table between its two marks brought up to date; one without them as it is."""
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{fault_table()}{END}{after}" if begin and end else document


def _cell(fault: str, system: System) -> str:
    """What a system makes of a fault; said once where plain and streamed answers fare the same."""
    said = {row.answer: row.words for row in rows(fault) if row.system is system}
    if len(set(said.values())) < 2:
        kinds = BEHAVIOURS[system].answers
        words = next(iter(said.values()), "-")
        return words if len(said) in (0, len(kinds)) else f"{_kind(next(iter(said)))}: {words}"
    return "<br>".join(f"{_kind(answer)}: {words}" for answer, words in said.items())


def _kind(answer: Answer) -> str:
    return "streamed" if answer is Answer.STREAM else "plain"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
