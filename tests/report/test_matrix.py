"""The matrix at the widths of people's terminals."""

import io

import pytest
from rich.console import Console

from harness import contracts
from harness.core.case import Case
from harness.core.verdict import Judgement, Subject, Verdict
from harness.report.matrix import matrix
from harness.suite.run import CaseResult, RunResult

PROVIDERS = ("openai", "groq", "compatible", "anthropic", "bedrock", "vertex", "chatkit")
JUDGED = ("credits.nothing-delivered-nothing-charged", "errors.provider-failure-mapped")


def lines(width, providers=PROVIDERS):
    """The printed matrix of a run in which two contracts held in 1,234 cases behind each provider."""
    judgements = tuple(Judgement(one, Verdict.PASS, subjects=1) for one in JUDGED) * 1234
    results = [CaseResult(Case("t", "gateway", "chat-plain", one, "none"), judgements, None, 1.0) for one in providers]
    run = RunResult("t", None, len(results), results=results)
    out = io.StringIO()
    Console(file=out, width=width).print(*matrix(run, list(contracts.load().values()), width), sep="\n")
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120, 160])
def test_no_figure_is_cut_and_no_line_too_long(width):
    told = lines(width)
    assert max(map(len, told)) <= width
    assert sum(line.count("1234 ✓") for line in told) == len(JUDGED) * len(PROVIDERS)
    whole = [name for name in PROVIDERS if any(name in line.split() for line in told)]
    assert whole == (list(PROVIDERS) if width > 80 else ["openai", "groq", "vertex"])


def test_names_stay_whole_where_there_is_room():
    assert any(line.split()[:1] == [JUDGED[0]] for line in lines(80, PROVIDERS[:1]))


def test_a_contract_with_nothing_to_judge_is_counted_and_has_no_row():
    promised = [one for one in contracts.load().values() if one.subject is Subject.TARGET and "gateway" in one.systems]
    told = "\n".join(lines(160))
    assert "stream.done-once-and-last" not in told
    assert f"{len(promised) - len(JUDGED)} contracts of these systems had nothing to judge here" in told


def test_contracts_that_met_void_cases_only_have_no_row_and_are_counted():
    case = Case("t", "gateway", "chat-plain", "openai", "none")
    void = tuple(Judgement(one, Verdict.ERROR, note="no token") for one in JUDGED)
    told = matrix(RunResult("t", None, 1, results=[CaseResult(case, void, None, 1.0)]), list(contracts.load().values()))
    assert str(told[0]) == "target t"
    assert str(told[1]).splitlines()[-1] == f"{len(JUDGED)} contracts met void cases only"
