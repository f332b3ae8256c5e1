"""Frames and SQL over many runs, and what keeping a run costs, on runs made up for it.

Run ``python benchmarks/frames.py [RUNS] [VERDICTS]``: 100 runs of 10,000 verdicts by default.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from timing import Figure, seconds, table

from harness import results
from harness.core.case import Case
from harness.core.recording import Ending, Exchange, Header, Recording, Request, Response, Segment, Side, Source
from harness.core.verdict import Judgement, Verdict
from harness.results.store import RunFolder
from harness.results.summaries import failure_rates

CASES = 250
MEASURED = 5
CHUNK = b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'


def recording() -> Recording:
    """A call seen from both sides, of 12 chunks each."""
    body = CHUNK * 12
    segments = tuple(Segment(len(CHUNK) * (n + 1), (10 + n) * 1_000_000) for n in range(12))
    asked = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
    exchanges = tuple(
        Exchange(
            id=name,
            side=side,
            operation="chat.completions",
            request=Request("POST", "http://t/v1/chat/completions", (), asked, n * 1_000_000),
            response=Response(200, "", (("content-type", "text/event-stream"),), 9_000_000, body, segments),
            ending=Ending.EOF,
            ended_ns=25_000_000,
            tie="t.1",
        )
        for n, (name, side) in enumerate((("c1", Side.CLIENT), ("p1", Side.PROVIDER)))
    )
    return Recording(header=Header(source=Source.SIMULATOR), exchanges=exchanges)


def cases() -> list[Case]:
    """As many as a system has, over its providers and faults."""
    providers = ("openai", "groq", "compatible", "anthropic", "bedrock")
    return [Case("reference", "gateway", f"s{n % 10}", providers[n % 5], f"f{n // 10}") for n in range(CASES)]


def judgements(verdicts: int) -> list[Judgement]:
    """The same for each case, a failure among them."""
    each = verdicts // CASES
    return [Judgement(f"family{n % 9}.c{n}", Verdict.FAIL if n == 3 else Verdict.PASS, subjects=1) for n in range(each)]


def write(root: Path, run: str, judged: list[Judgement], seen: Recording) -> RunFolder:
    folder = RunFolder(run, root=root, facts={"target": "reference", "planned": CASES})
    for case in cases():
        folder.add(case, judged, 0.1, seen)
    return folder


def finish(folder: RunFolder, verdicts: int) -> None:
    folder.finish({"cases": CASES, "seconds": 7.0, "verdicts": {"pass": verdicts}})


def main() -> None:
    runs, verdicts = (int(word) for word in (*sys.argv[1:], "100", "10000")[:2])
    judged, seen = judgements(verdicts), recording()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "many"
        for number in range(runs):
            finish(write(root, f"r{number:04}", judged, seen), verdicts)
        folders = [write(Path(name) / "one", f"w{number}", judged, seen) for number in range(MEASURED + 1)]
        todo = iter(folders)
        number = iter(range(MEASURED + 1))
        size = sum(path.stat().st_size for path in (root / "r0000").glob("*.parquet")) / 1000
        journal = sum(path.stat().st_size for path in (root / "r0000").glob("*.ndjson")) / 1000

        def every() -> None:
            frames = results.load(root=root)
            for table_name in ("verdicts", "runs", "cases", "exchanges", "segments", "probes"):
                frames.table(table_name)

        verdict_frame = results.load(root=root).verdicts
        sql = "select contract, provider, verdict, count(*) from verdicts group by all"
        of = f"{runs} runs of {verdicts:,} verdicts"
        table(
            Figure(f"every frame of {of}", "s", seconds(every, MEASURED)),
            Figure("of that, the verdicts", "s", seconds(lambda: results.load(root=root).verdicts, MEASURED)),
            Figure(
                "failure rates of all of them by contract", "s", seconds(lambda: failure_rates(verdict_frame), MEASURED)
            ),
            Figure(f"a query over {of}", "s", seconds(lambda: results.query(sql, root=root), MEASURED)),
            Figure(
                f"appending {CASES} cases of a run",
                "s",
                seconds(lambda: write(Path(name) / "appended", f"a{next(number)}", judged, seen), MEASURED),
            ),
            Figure("writing its Parquet", "s", seconds(lambda: finish(next(todo), verdicts), MEASURED)),
            Figure("its Parquet", "kB", (size,)),
            Figure("its NDJSON", "kB", (journal,)),
        )


if __name__ == "__main__":
    main()
