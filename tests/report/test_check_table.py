"""The report of a check as people read it."""

from collections import Counter
from io import StringIO

from rich.console import Console

from harness import contracts
from harness.core.verdict import Pointer, Verdict, Violation
from harness.report.check_table import SHOWN, tables
from harness.suite.check import CheckReport, Failure


def shown(report: CheckReport) -> str:
    console = Console(file=StringIO(), width=160, color_system=None)
    for table in tables(report):
        console.print(table)
    out = console.file
    assert isinstance(out, StringIO)
    return out.getvalue()


def failure(number: int) -> Failure:
    violation = Violation("No [DONE] came after [4] events.", (Pointer("p1", start=3, end=9),))
    return Failure(f"a[{number}].yaml", "p1", "openai.stream-done", Verdict.FAIL, violation)


REPORT = CheckReport(
    files=1200,
    interactions=30,
    providers={"openai": Counter({"responses": 4, "chat.completions": 25}), "unknown": Counter({"other": 1})},
    judged={"openai": Counter({"openai": 25, "": 4}), "unknown": Counter({"": 1})},
    verdicts=Counter({Verdict.PASS: 1500, Verdict.FAIL: 12}),
    failures=[failure(number) for number in range(SHOWN + 2)],
    broken_off=[("cut[1].yaml", "p7")],
    unread=[("x.yml", "coded as br"), ("y.yml", "coded as br"), ("N", "words")],
    formats=Counter({"vcrpy": 1100, "ruby-vcr": 2}),
)


def test_it_says_what_was_read_and_whose_it_is():
    text = shown(REPORT)
    for words in ("1,200 files", "30 interactions", "chat.completions 25, responses 4", "no LLM API that is known"):
        assert words in text
    (formats,) = [line for line in text.splitlines() if line.startswith("ruby-vcr")]
    assert formats.split() == ["ruby-vcr", "2", "read"]


def test_it_says_how_much_of_each_providers_traffic_is_judged():
    rows = [line.split() for line in shown(REPORT).splitlines() if line.startswith(("openai ", "unknown "))]
    assert [(row[0], "25" in row) for row in rows] == [("openai", True), ("unknown", False)]
    assert rows[0][1:3] == ["29", "25"]


def test_what_was_not_read_is_grouped_by_reason():
    (line,) = [line for line in shown(REPORT).splitlines() if line.startswith("coded as br")]
    assert line.split()[-2:] == ["2", "x.yml"]


def test_a_failure_has_its_contracts_sentence_its_place_and_its_evidence():
    contracts.load()
    text = shown(REPORT)
    assert "fail openai.stream-done  A whole stream ends with `[DONE]`, once and last." in text
    assert "a[0].yaml" in text
    assert "No [DONE] came after [4] events. [p1 bytes 3-9]" in text
    assert f"a[{SHOWN}].yaml" not in text
    assert "and 2 more" in text


def test_streams_recorded_in_part_are_told():
    text = shown(REPORT)
    assert "streams that were recorded only in part: 1 " in text
    assert "cut[1].yaml p7" in text


def test_the_last_line_counts_the_verdicts():
    assert shown(REPORT).splitlines()[-1] == "1,500 pass, 12 fail"


def test_an_empty_report_is_still_one():
    assert shown(CheckReport()).splitlines()[-1] == "0 pass, 0 fail"
