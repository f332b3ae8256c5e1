"""Failures grouped by their likely cause, without knowing what is wrong with the target.

Two failures look alike when contracts of one family failed under the same kind of fault with the same sentence, its
names and figures aside. Such groups are then joined where they are probably one: the same sentence under other
kinds of fault, other sentences in the very same cases, and other promises that the same wrong answer to the same call
breaks. It is a guess from what was seen, made the same way each time; what it says to look at first explains most
cases and MUSTs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.contracts.upstream import Way
from harness.core.verdict import Verdict
from harness.results.frames import Frames
from harness.results.stats import Rate, rate

from .kinds import WORDS, kind_of
from .run_counts import shown

BROKEN = (Verdict.FAIL.value, Verdict.WARN.value)
JUDGED = (Verdict.PASS.value, *BROKEN)

READ = ", the client read "
"""What stands in a sentence before a wrong answer."""

_BLANKS = (
    (re.compile(r"(?<!\w)'.*?'(?!\w)|\"[^\"]*\"|“[^”]*”|\[[^\]]*\]|`[^`]*`"), "…"),  # what somebody said
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "…"),
    (re.compile(r"\b(?:[a-z]+(?:_[a-z0-9]+)+|[A-Z]+(?:_[A-Z0-9]+)+)\b"), "…"),  # codes and fields
    (re.compile(rf"\b(?:{'|'.join(way.value for way in Way)})\b"), "…"),
    (re.compile(r"\b[cps]\d+\b"), "…"),  # exchanges
    (re.compile(r"-?(?:\d[\d,.]*\d|\d)"), "#"),
    (re.compile(r"…(?:(?:, | and |/)…)+"), "…"),  # a list is as long as it is
)


def template(sentence: str) -> str:
    """A violation's sentence without what differs from one case to the next: names, codes, figures.

    >>> template("'gpt-4o' is on the list, and a call of it was answered by 404 model_not_found.")
    '… is on the list, and a call of it was answered by # ….'
    """
    for blank, mark in _BLANKS:
        sentence = blank.sub(mark, sentence)
    return sentence


@dataclass(frozen=True, slots=True)
class Failure:
    """One contract broken in one case."""

    case: str
    contract: str
    verdict: str
    provider: str
    scenario: str
    kind: str
    fault: str
    sentence: str

    @property
    def signature(self) -> tuple[str, str, str]:
        """What failures of one cause have in common: family, kind of fault, sentence."""
        return self.contract.partition(".")[0], self.kind, template(self.sentence)

    @property
    def read(self) -> str:
        """What the client read instead, as far as the sentence ends in it."""
        return self.sentence.partition(READ)[2]


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures that probably have one cause. ``seen`` are the broken of the judged verdicts of its contracts under its
    kinds of fault; ``providers_judged`` counts the providers behind those. ``example`` is the failure to look at.
    """

    failures: tuple[Failure, ...]
    example: Failure
    cassette: str | None
    seen: Rate
    providers_judged: int

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases that it explains."""
        return tuple(dict.fromkeys(one.case for one in self.failures))

    @property
    def musts(self) -> tuple[str, ...]:
        """The MUSTs that it breaks."""
        return _names(one.contract for one in self.failures if one.verdict == Verdict.FAIL.value)

    @property
    def shoulds(self) -> tuple[str, ...]:
        """The SHOULDs that it breaks."""
        return _names(one.contract for one in self.failures if one.verdict == Verdict.WARN.value)

    @property
    def contracts(self) -> tuple[str, ...]:
        """All of them, the MUSTs first."""
        return (*self.musts, *self.shoulds)

    @property
    def kinds(self) -> list[str]:
        """The kinds of fault under which it shows."""
        found = {one.kind for one in self.failures}
        return [kind for kind in WORDS if kind in found]

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers behind which it shows."""
        return _names(one.provider for one in self.failures)

    @property
    def must_failures(self) -> int:
        """How many broken MUSTs it explains, case by case."""
        return sum(1 for one in self.failures if one.verdict == Verdict.FAIL.value)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands to look at the example: lay it out on one clock, judge it again. None without its cassette."""
        if self.cassette is None:
            return ()
        path = shlex.quote(self.cassette)
        mine = [one.contract for one in self.failures if one.case == self.example.case]
        judges = "".join(f" --contract {contract}" for contract in _names(mine))
        return f"harness show {path}", f"harness replay {path}{judges}"


def causes(frames: Frames) -> list[Cause]:
    """The likely causes of a run's failures, the one to look at first at the head.

    Ranked by the broken MUSTs that a cause explains case by case, then by its cases, then by its name.
    """
    verdicts = _text(frames.verdicts, ("case_name", "contract", "verdict", "provider", "scenario", "fault", "sentence"))
    cassettes = _cassettes(frames)
    found = [_cause(group, verdicts, cassettes) for group in _joined(list(_failures(verdicts)))]
    return sorted(found, key=lambda one: (-one.must_failures, -len(one.cases), one.contracts))


def cause_table(found: Sequence[Cause]) -> pd.DataFrame:
    """One row for each cause, in order."""
    return pd.DataFrame(
        [
            {
                "rank": number,
                "cases": len(one.cases),
                "broken_musts": one.must_failures,
                "failures": len(one.failures),
                "judged": one.seen.n,
                "musts": " ".join(one.musts),
                "shoulds": " ".join(one.shoulds),
                "provider_did": " ".join(one.kinds),
                "providers": " ".join(one.providers),
                "scenarios": " ".join(_names(failure.scenario for failure in one.failures)),
                "sentence": one.example.sentence,
                "example": one.example.case,
                "show": (one.commands or ("",))[0],
                "replay": (one.commands or ("", ""))[1],
            }
            for number, one in enumerate(found, 1)
        ]
    )


def failure_table(found: Sequence[Cause], frames: Frames) -> pd.DataFrame:
    """One row for each broken verdict, by cause: what was violated, where to look, and its cassette."""
    rows = [(number, one) for number, cause in enumerate(found, 1) for one in cause.failures]
    verdicts = _text(frames.verdicts, ("case_name", "contract", "evidence"))
    evidence = {(row["case_name"], row["contract"]): row["evidence"] for row in verdicts.to_dict("records")}
    cassettes = _text(frames.cases, ("case_name", "cassette")).set_index("case_name")["cassette"].to_dict()
    return pd.DataFrame(
        [
            {
                "cause": number,
                "contract": one.contract,
                "verdict": one.verdict,
                "case": one.case,
                "sentence": one.sentence,
                "evidence": evidence[one.case, one.contract],
                "cassette": cassettes.get(one.case),
            }
            for number, one in rows
        ]
    )


def _failures(verdicts: pd.DataFrame) -> Iterator[Failure]:
    for row in verdicts[verdicts["verdict"].isin(BROKEN)].to_dict("records"):
        words = {name: str(row[name]) for name in ("contract", "verdict", "provider", "scenario", "fault")}
        sentence = row["sentence"] if isinstance(row["sentence"], str) else ""
        yield Failure(case=str(row["case_name"]), kind=kind_of(words["fault"]), sentence=sentence, **words)


def _joined(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Groups of one signature, joined where they say the same under another fault, show in the very same cases, or are
    about the same wrong answer to the same call.
    """
    groups: dict[tuple[str, str, str], list[Failure]] = {}
    for one in failures:
        groups.setdefault(one.signature, []).append(one)
    joined: list[tuple[list[Failure], set[object]]] = []
    for (family, _, words), group in groups.items():
        marks: set[object] = {(family, words), frozenset(one.case for one in group)}
        marks |= {(one.case, one.read) for one in group if one.read}
        same = [one for one in joined if one[1] & marks]
        joined = [one for one in joined if one not in same]
        joined.append(([*(f for one in same for f in one[0]), *group], marks.union(*(one[1] for one in same))))
    return [group for group, _ in joined]


def _cause(group: Sequence[Failure], verdicts: pd.DataFrame, cassettes: dict[str, str]) -> Cause:
    contracts, kinds = {one.contract for one in group}, {one.kind for one in group}
    judged = verdicts[verdicts["verdict"].isin(JUDGED) & verdicts["contract"].isin(contracts)]
    judged = judged[judged["fault"].map(kind_of).isin(kinds)]
    example = _example(group)
    seen = rate(len(group), len(judged))
    return Cause(tuple(group), example, cassettes.get(example.case), seen, judged["provider"].nunique())


def _example(group: Sequence[Failure]) -> Failure:
    """The failure of the case that shows most of the cause; among equals a MUST, then the first by its name."""
    breaks: dict[str, set[str]] = {}
    for one in group:
        breaks.setdefault(one.case, set()).add(one.contract)
    return min(group, key=lambda one: (-len(breaks[one.case]), one.verdict != Verdict.FAIL.value, one.case))


def _cassettes(frames: Frames) -> dict[str, str]:
    """The path of each case's cassette as one would type it from here."""
    folders = {run.id: run.path for run in frames.stored}
    rows = _text(frames.cases, ("run", "case_name", "cassette")).dropna(subset=["cassette"]).to_dict("records")
    return {row["case_name"]: shown(folders[row["run"]] / row["cassette"]) for row in rows}


def _text(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    return frame[list(columns)].astype("string")


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
