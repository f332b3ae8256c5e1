"""The tables of a run, declared once: every column's name, type, unit and meaning.

The NDJSON of a run that is going on, the Parquet files of one that is over, the frames and the documentation all
follow these declarations. Pure: nothing is imported that a run would have to wait for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from harness.core.race import FORCED

SATURATED_MS = 10.0
"""From this lateness of the harness's own event loop on a figure is marked as taken while it was saturated."""


class Type(StrEnum):
    """What a column holds. ``NAME`` is text of few different values: a dictionary in Parquet, a category in a frame."""

    NAME = "name"
    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``unit`` is empty where there is none; any column may be null unless it says otherwise."""

    name: str
    type: Type
    meaning: str
    unit: str = ""


CASE: tuple[Column, ...] = (
    Column("run", Type.NAME, "The run's id: time in UTC and four hex digits."),
    Column("case_name", Type.NAME, "The case's name: `target/system/scenario/provider.fault`."),
    Column("target", Type.NAME, "The system under test, by its profile's name."),
    Column("system", Type.NAME, "The API family."),
    Column("scenario", Type.NAME, "What was driven."),
    Column("provider", Type.NAME, "The provider that stood behind the target."),
    Column("fault", Type.NAME, "What that provider did wrong; `none` where nothing."),
)
"""The first columns of every table but ``runs``."""

RUNS = (
    Column("run", Type.NAME, "The run's id: time in UTC and four hex digits."),
    Column("started_at", Type.TIME, "When the run began, UTC."),
    Column("finished", Type.FLAG, "Whether the run came to write its end; false: it was killed, or is still going on."),
    Column("interrupted", Type.FLAG, "Whether somebody stopped it before all cases were exercised."),
    Column("target", Type.NAME, "The system under test, by its profile's name."),
    Column("defect", Type.NAME, "The defect of the reference backend that was switched on."),
    Column("seed", Type.COUNT, "Same seed, same prompts and tags."),
    Column("jobs", Type.COUNT, "Cases exercised at once: how the load was started."),
    Column("planned", Type.COUNT, "Cases that were selected.", "cases"),
    Column("cases", Type.COUNT, "Cases that were exercised and judged.", "cases"),
    Column("contracts", Type.COUNT, "Contracts that judged each case.", "contracts"),
    Column("seconds", Type.NUMBER, "The whole run, with starting and stopping the target.", "s"),
    Column("start_seconds", Type.NUMBER, "Of that, until the target was up.", "s"),
    Column("passed", Type.COUNT, "Verdicts by their kind: all hold.", "verdicts"),
    Column("failed", Type.COUNT, "A MUST was broken.", "verdicts"),
    Column("warned", Type.COUNT, "A SHOULD was broken.", "verdicts"),
    Column("not_applicable", Type.COUNT, "The case had nothing for the contract to judge.", "verdicts"),
    Column("unsupported", Type.COUNT, "The target lacks what is needed to see it.", "verdicts"),
    Column("inconclusive", Type.COUNT, "The evidence could not decide.", "verdicts"),
    Column("errors", Type.COUNT, "The harness failed; counts neither for nor against the target.", "verdicts"),
    Column("harness", Type.NAME, "Version of the harness."),
    Column("python", Type.NAME, "Version of Python."),
    Column("platform", Type.NAME, "Operating system and machine."),
    Column("cpus", Type.COUNT, "Processors that the harness could use.", "processors"),
)

CASES = (
    *CASE,
    Column("took_ms", Type.NUMBER, "Exercising and judging the case.", "ms"),
    Column("cassette", Type.TEXT, "Its cassette, relative to the run's folder; null where it could not be played."),
    Column("void", Type.TEXT, "The harness's own failure, where there was one; nothing in the case was judged then."),
    Column("passed", Type.COUNT, "Verdicts on this case by their kind, as in `runs`.", "verdicts"),
    Column("failed", Type.COUNT, "As in `runs`.", "verdicts"),
    Column("warned", Type.COUNT, "As in `runs`.", "verdicts"),
    Column("not_applicable", Type.COUNT, "As in `runs`; these have no row in `verdicts`.", "verdicts"),
    Column("unsupported", Type.COUNT, "As in `runs`.", "verdicts"),
    Column("inconclusive", Type.COUNT, "As in `runs`.", "verdicts"),
    Column("errors", Type.COUNT, "As in `runs`.", "verdicts"),
    Column("lag_ms", Type.NUMBER, "The largest lateness of the harness's own event loop during the case.", "ms"),
)

VERDICTS = (
    *CASE,
    Column("contract", Type.NAME, "The contract's id."),
    Column("family", Type.NAME, "The part of the id before the dot."),
    Column("verdict", Type.NAME, "The verdict, never `not-applicable`: of those only the number is kept, in `cases`."),
    Column("subjects", Type.COUNT, "How many things in the recording the contract looked at.", "subjects"),
    Column("violations", Type.COUNT, "How many violations there are.", "violations"),
    Column("sentence", Type.TEXT, "What was violated, in the first violation's words."),
    Column("evidence", Type.TEXT, "Where to look for the first violation: exchange, bytes, event, time."),
    Column("findings", Type.JSON, "All violations: a list of `{sentence, evidence: [...]}`."),
    Column("note", Type.TEXT, "Why the verdict is none of pass, fail and warn."),
)

_SHARE = "Client side, with both sides on one clock: "

EXCHANGES = (
    *CASE,
    Column("exchange", Type.NAME, "The exchange's id in its recording: `c1`, `p1`, ..."),
    Column("side", Type.NAME, "Whose traffic it is: `client`, `provider` or `service`. Their figures do not compare."),
    Column("operation", Type.NAME, "The call's name, for example `chat.completions`."),
    Column("upstream", Type.NAME, "Provider side: the provider that answered."),
    Column("tie", Type.TEXT, "The tag that a client's exchange shares with the provider exchanges it caused."),
    Column("method", Type.NAME, "The request's method."),
    Column("path", Type.NAME, "The request's path, without its query."),
    Column("model", Type.NAME, "The model that was asked for."),
    Column("status", Type.COUNT, "The response's status; null where none came."),
    Column("ending", Type.NAME, "`eof`, `fin`, `reset`, `timeout`, `client-close` or `connect-error`."),
    Column("error", Type.TEXT, "The caller's or the operating system's words."),
    Column("fidelity", Type.NAME, "`wire`: times are of the wire; else they are not known and no figure is given."),
    Column("request_bytes", Type.COUNT, "The request's body.", "bytes"),
    Column("response_bytes", Type.COUNT, "The response's body as far as it came.", "bytes"),
    Column("reads", Type.COUNT, "Pieces in which the body arrived (was sent, on the provider's side).", "reads"),
    Column("sent_ms", Type.NUMBER, "When the request left, since the recording's start.", "ms"),
    Column("headers_ms", Type.NUMBER, "Request sent to response headers complete.", "ms"),
    Column("ttft_ms", Type.NUMBER, "Time to first token: to the first content; null unless `measured`.", "ms"),
    Column(
        "ttft_state",
        Type.NAME,
        "`measured`; `censored`: a stream was asked for and no content came before it ended; `refused`: it was "
        "answered by an error status; `not-streamed`: none was asked for; `unread`: a protocol whose content is not "
        "read.",
    ),
    Column(
        "ttft_censored_ms",
        Type.NUMBER,
        "Where `censored` or `refused`: how long the call was waited for. Its first token took longer than this.",
        "ms",
    ),
    Column("total_ms", Type.NUMBER, "Request sent to the end of the exchange, whatever its ending.", "ms"),
    Column("chunks", Type.COUNT, "Events with content in them.", "events"),
    Column("chars", Type.COUNT, "Characters of content.", "characters"),
    Column("tokens", Type.COUNT, "Output tokens by the usage in the answer; null where it has none.", "tokens"),
    Column("itl_ms", Type.NUMBER, "Token-normalised latency: first to last content, over tokens - 1.", "ms/token"),
    Column("gap_p50_ms", Type.NUMBER, "Event gaps (0 between events of one read): their median.", "ms"),
    Column("gap_p99_ms", Type.NUMBER, "Their 99th percentile, linear.", "ms"),
    Column("gap_max_ms", Type.NUMBER, "The largest.", "ms"),
    Column(
        "chars_per_s", Type.NUMBER, "Characters over the time from the request to the last content.", "characters/s"
    ),
    Column("tokens_per_s", Type.NUMBER, "Tokens over the same time.", "tokens/s"),
    Column("content_reads", Type.COUNT, "Reads that completed at least one event with content.", "reads"),
    Column("coalesced_reads", Type.COUNT, "Of those, reads that completed two or more.", "reads"),
    Column("coalesced_share", Type.NUMBER, "`coalesced_reads` over `content_reads`: 0 to 1."),
    Column("upstream_calls", Type.COUNT, "Client side: the provider exchanges that the call caused.", "exchanges"),
    Column(
        "before_ms",
        Type.NUMBER,
        _SHARE + "request sent to the (last) provider request seen, `others_ms` left out: the target's.",
        "ms",
    ),
    Column(
        "others_ms",
        Type.NUMBER,
        "Of the time to first content: while earlier provider exchanges of the call (attempts, steps, polls) or "
        "exchanges with the target's services were under way.",
        "ms",
    ),
    Column(
        "provider_ms",
        Type.NUMBER,
        _SHARE + "that request to the provider's first content (plain answer: its last byte): the provider's.",
        "ms",
    ),
    Column(
        "after_ms",
        Type.NUMBER,
        _SHARE + "that content to the client's first content, `others_ms` left out: the target's.",
        "ms",
    ),
    Column(
        "target_share",
        Type.NUMBER,
        "(`before_ms` + `after_ms`) over the sum of the four: 0 to 1. Null where untagged exchanges may be another's.",
    ),
    Column("lag_ms", Type.NUMBER, "The largest lateness of the harness's own loop while the exchange went on.", "ms"),
    Column("saturated", Type.FLAG, f"`lag_ms` of {SATURATED_MS:g} or more: do not trust its times."),
)

SEGMENTS = (
    *CASE,
    Column("exchange", Type.NAME, "The exchange's id in its recording."),
    Column("side", Type.NAME, "`client`, `provider` or `service`."),
    Column("segment", Type.COUNT, "The segment's place in the body, from 0."),
    Column(
        "at_ms", Type.NUMBER, "When it arrived (was sent, on the provider's side), since the request was sent.", "ms"
    ),
    Column("gap_ms", Type.NUMBER, "Since the segment before; null for the first.", "ms"),
    Column("bytes", Type.COUNT, "Its size.", "bytes"),
    Column("chunks", Type.COUNT, "Events with content that it completed; null where content is not read.", "events"),
    Column("chars", Type.COUNT, "Characters in those.", "characters"),
    Column(
        "content_gap_ms",
        Type.NUMBER,
        "Since the read before that completed content; null for the first such, and where it completed none.",
        "ms",
    ),
)

PROBES = (
    *CASE,
    Column("name", Type.NAME, "What was probed: `ledger`, `log`, `resources`, ..."),
    Column("at_ms", Type.NUMBER, "When, since the recording's start.", "ms"),
    Column("data", Type.JSON, "What the target showed."),
)

RACES = (
    *CASE,
    Column("race", Type.COUNT, "The race's place in its recording, from 0: one row for each of its requests."),
    Column(
        "how",
        Type.NAME,
        f"`race`: let go together; `sweep`: one by one, around a moment; `{FORCED}`: while something else was held.",
    ),
    Column("kind", Type.NAME, "What was raced for: `double-spend`, `observe`, ..."),
    Column("exchange", Type.NAME, "The exchange's id in its recording; null for an observer whose moment was forced."),
    Column("moment", Type.NAME, f"Where it was {FORCED}: when, in words; null for an observer."),
    Column(
        "offset_events",
        Type.COUNT,
        f"Where it was {FORCED}: after how many content events of the provider's it was asked; -1: before its head; "
        "null where the provider was not held.",
        "events",
    ),
    Column(
        "offset_ms",
        Type.NUMBER,
        "When its last byte had left: since the first of the race's, or (negative: before) the moment that a sweep "
        "goes around. Measured.",
        "ms",
    ),
    Column("provider_ms", Type.NUMBER, "From then until a provider of ours saw what the request caused.", "ms"),
    Column("answered_ms", Type.NUMBER, "From then until the head of its answer was there.", "ms"),
    Column(
        "status",
        Type.COUNT,
        "The answer's status, of a deletion that of the stream that it was about; null where none came.",
    ),
    Column(
        "outcome",
        Type.NAME,
        "`served`, `ended` (its stream had begun, and ended by an error event), `repeated` (told what another one who "
        "ended the stream had been told), `refused` (a status of 400 to 499) or `failed`; of a deletion, its stream's.",
    ),
    Column("early", Type.FLAG, "There was an answer to it before the last request had been let go."),
    Column("skew_ms", Type.NUMBER, "Of the race: between the first and the last that was let go.", "ms"),
    Column("window_ms", Type.NUMBER, "Of the race: from the first until the target had dealt with any.", "ms"),
    Column(
        "met", Type.FLAG, "Of the race: the skew was smaller than the window, so nothing that is not seen is chance."
    ),
)

TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "runs": RUNS,
        "cases": CASES,
        "verdicts": VERDICTS,
        "exchanges": EXCHANGES,
        "segments": SEGMENTS,
        "probes": PROBES,
        "races": RACES,
    }
)
"""Every table with its columns, in their order."""

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "runs": "One row for each run.",
        "cases": "One row for each case that was exercised.",
        "verdicts": "One row for each contract that had something to judge in a case.",
        "exchanges": "One row for each exchange of either side, with its latencies.",
        "segments": "One row for each piece of a response's body.",
        "probes": "One row for each probe of the target.",
        "races": "One row for each request of a race that was measured, or whose moment was forced.",
    }
)


def markdown() -> str:
    """The declarations as Markdown: a section and a table for each table. The columns that cases share come once."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "Every table but `runs` begins with these columns:"
    yield ""
    yield from _table(CASE)
    for name, columns in TABLES.items():
        yield ""
        yield f"### `{name}`"
        yield ""
        yield DESCRIPTIONS[name]
        yield ""
        yield from _table([column for column in columns if name == "runs" or column not in CASE])


def _table(columns: tuple[Column, ...] | list[Column]) -> Iterator[str]:
    yield "| column | type | unit | meaning |"
    yield "| --- | --- | --- | --- |"
    for column in columns:
        yield f"| `{column.name}` | {column.type.value} | {column.unit} | {column.meaning} |"
