import dataclasses

import pytest

from harness.core.case import Case
from harness.core.recording import Header, Recording, Source
from harness.core.verdict import Judgement, Pointer, Verdict, Violation
from harness.results.runs import StoredRun
from harness.results.store import RunFolder

CASE = Case("reference", "gateway", "chat-stream", "groq", "none")
SENTENCE = "It <ended> \x00 twice & | more."


def verdicts(*, finish, root):
    """A run with a verdict of every kind."""
    recording = Recording(header=Header(source=Source.SIMULATOR))
    violation = Violation(SENTENCE, (Pointer("c1", start=1, end=2), Pointer("p1")))
    broken = dataclasses.replace(CASE, fault="cut")
    judged = {
        CASE: [
            Judgement("stream.words-faithful", Verdict.PASS, subjects=1),
            Judgement("stream.ends-by-http", Verdict.WARN, (violation,), 1),
            Judgement("stream.headers", Verdict.UNSUPPORTED, note="lacks a probe"),
            Judgement("credits.conserved", Verdict.INCONCLUSIVE, note="cannot tell"),
            Judgement("credits.price-exact", Verdict.NOT_APPLICABLE),
        ],
        broken: [Judgement("stream.words-faithful", Verdict.FAIL, (violation, Violation("Again.")), 2)],
        dataclasses.replace(CASE, fault="stall"): [Judgement("x.y", Verdict.ERROR, note="the port is in use")],
    }
    counts = {verdict.value: 0 for verdict in Verdict}
    folder = RunFolder("r1", root=root, facts={"target": "reference", "defect": "double-done", "planned": 4})
    for case, judgements in judged.items():
        folder.add(case, judgements, 0.25, recording)
        for one in judgements:
            counts[one.verdict.value] += 1
    if finish:
        folder.finish({"cases": 3, "seconds": 1.5, "interrupted": False, "verdicts": counts, "failures": []})
    return StoredRun(folder.path)


@pytest.fixture(params=[True, False], ids=["finished", "killed"])
def run(request, tmp_path):
    return verdicts(finish=request.param, root=tmp_path)
