import dataclasses
import json
from types import MappingProxyType

import pytest

from harness.core.case import Case
from harness.core.recording import Header, Recording, Source
from harness.core.verdict import Judgement, Pointer, Verdict, Violation
from harness.results.frames import Frames
from harness.results.parquet import write_run
from harness.results.rows import COUNTS
from harness.results.runs import StoredRun
from harness.results.store import JOURNALS, RunFolder

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


class Made:
    """A run made row by row, as a live run appends them; columns that are not given are null."""

    FACTS = MappingProxyType({"run": "r1", "target": "reference", "jobs": 1, "started_at": "2026-01-02T03:04:05+00:00"})

    def __init__(self, path, **facts):
        self.path = path
        self.facts = {**self.FACTS, "finished": False, **facts}
        self.rows = {table: [] for table in JOURNALS}

    def case(self, scenario="chat-stream", provider="groq", fault="none", system="gateway"):
        name = f"reference/{system}/{scenario}/{provider}.{fault}"
        if name not in {row["case_name"] for row in self.rows["cases"]}:
            counts = dict.fromkeys(COUNTS.values(), 0)
            cassette = f"cassettes/{name}.yaml"
            self.rows["cases"].append({"case_name": name, "took_ms": 5.0, "cassette": cassette, **counts})
        return name

    def verdict(self, contract, verdict="pass", sentence=None, *, note=None, **case):
        name = self.case(**case)
        row = {"case_name": name, "contract": contract, "family": contract.partition(".")[0], "verdict": verdict}
        self.rows["verdicts"].append(row | {"sentence": sentence, "evidence": "c1" if sentence else None, "note": note})
        counts = next(row for row in self.rows["cases"] if row["case_name"] == name)
        counts[COUNTS[Verdict(verdict)]] += 1

    def call(self, total_ms=20.0, ttft_ms=10.0, *, operation="chat.completions", columns=None, **case):
        """A client's call: a stream whose first token came, where the columns do not say otherwise."""
        row = {"case_name": self.case(**case), "exchange": f"c{len(self.rows['exchanges']) + 1}", "side": "client"}
        row |= {"operation": operation, "status": 200, "ending": "eof", "total_ms": total_ms, "ttft_ms": ttft_ms}
        row |= {"ttft_state": "measured" if ttft_ms is not None else "not-streamed", "lag_ms": 0.1, "saturated": False}
        self.rows["exchanges"].append(row | (columns or {}))

    def race(self, *requests, skew_ms=0.1, window_ms=8.0, how="race", kind="double-spend", **case):
        """A race of requests ``(offset_ms, outcome)``; in a sweep they have no skew."""
        name = self.case(scenario="measured", **case)
        number = len({row["race"] for row in self.rows["races"] if row["case_name"] == name})
        whole = {"case_name": name, "race": number, "how": how, "kind": kind}
        if how == "race":
            met = window_ms is not None and skew_ms < window_ms
            whole |= {"skew_ms": skew_ms, "window_ms": window_ms, "met": met}
        for at, (offset_ms, outcome) in enumerate(requests):
            seen = {"provider_ms": 4.0 + at, "answered_ms": 9.0 + at} if outcome == "served" else {"answered_ms": 5.0}
            status = {"refused": 402, "failed": 503}.get(outcome, 200)
            row = {"exchange": f"c{at}", "offset_ms": offset_ms, "status": status, "outcome": outcome, "early": False}
            self.rows["races"].append(whole | row | seen)

    def forced(self, *asked):
        """Observers ``(offset_events, status)`` whose moment was forced."""
        name = self.case(scenario="observe-sweep", provider="bedrock", system="chat")
        for at, (offset_events, status) in enumerate(asked):
            row = {"case_name": name, "race": at, "how": "forced", "kind": "observe", "offset_events": offset_events}
            self.rows["races"].append(row | {"status": status, "outcome": "served" if status == 200 else "refused"})

    def forced_at(self, kind, *asked):
        """Requests ``(moment, offset_events, outcome)`` of another kind."""
        name = self.case(scenario=f"forced-{kind}", provider="bedrock", system="chat")
        for at, (moment, offset_events, outcome) in enumerate(asked):
            row = {"case_name": name, "race": at, "how": "forced", "kind": kind, "offset_events": offset_events}
            self.rows["races"].append(row | {"exchange": f"c{at}", "moment": moment, "outcome": outcome})

    def write(self):
        """The run, come to its end."""
        self.path.mkdir(parents=True)
        judges = sorted({row["contract"] for row in self.rows["verdicts"]})
        cases = len(self.rows["cases"])
        facts = {"planned": cases, "cases": cases, "contracts": len(judges), "judges": judges, "seconds": 1.5}
        facts = facts | self.facts | {"finished": True}
        for table, rows in self.rows.items():
            lines = "".join(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n" for row in rows)
            (self.path / f"{table}.ndjson").write_text(lines)
        write_run(self.path, facts)
        (self.path / "run.json").write_text(json.dumps(facts))
        return StoredRun(self.path)

    def frames(self):
        return Frames((self.write(),))


@pytest.fixture
def made(tmp_path):
    """A run to be filled; ``made.frames()`` gives its frames."""
    return Made(tmp_path / "results" / "r1")
