"""What changed from one run to another: what broke, what mended, what got slower.

Verdicts are compared by case and contract, times by case, pair by pair. Whatever only one of the runs exercised is
counted and not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

from harness.core.recording import Side
from harness.core.verdict import ExitCode, Verdict

from .runs import StoredRun
from .stats import Estimate, quantile, ratio

NOTHING = Verdict.NOT_APPLICABLE.value
"""The verdict of a case and contract that have no row: nothing to judge."""

METRICS = ("headers_ms", "ttft_ms", "total_ms")
FEWEST_PAIRS = 6
"""With fewer pairs no interval at 95 % can exclude anything by rank, so nothing is called slower."""

SLOWER_BY = 1.05
"""A change of less than 5 % is called the same however sure it is."""

ALIKE = ("target", "defect", "jobs", "harness", "python", "platform", "cpus")
"""The facts of two runs in which they should agree before their times are compared."""

_JUDGED = frozenset({Verdict.PASS.value, Verdict.FAIL.value, Verdict.WARN.value})


class Change(StrEnum):
    """What became of a verdict."""

    BROKE = "broke"  # fails now, and did not
    MENDED = "mended"  # failed or warned, and passes now
    WARNED = "warned"  # a SHOULD is broken now, and was not
    LOST = "lost"  # was judged, and is not any more though its case was exercised
    GAINED = "gained"  # is judged now, passes, and was not judged before


@dataclass(frozen=True, slots=True)
class Changed:
    """One verdict that changed. ``sentence`` is the violation or the note of the run where it is bad."""

    change: Change
    case: str
    contract: str
    before: str
    after: str
    sentence: str = ""
    cassette: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How a time changed: the median of after / before over pairs of cases. ``saturated`` pairs are left out of it."""

    metric: str
    scenario: str | None
    ratio: Estimate
    before_ms: float | None
    after_ms: float | None
    saturated: int

    @property
    def verdict(self) -> str:
        """``slower``, ``faster``, ``same``, or ``too few`` pairs to tell."""
        low, middle, high = self.ratio.low, self.ratio.value, self.ratio.high
        if self.ratio.n < FEWEST_PAIRS or low is None or middle is None or high is None:
            return "too few"
        if low > 1 and middle >= SLOWER_BY:
            return "slower"
        return "faster" if high < 1 and middle <= 1 / SLOWER_BY else "same"


@dataclass(frozen=True, slots=True)
class Diff:
    """All that changed from ``before`` to ``after`` (ids).

    ``cases`` is how many both exercised; ``unlike`` says in what else the runs differ, which may explain a change.
    """

    before: str
    after: str
    changed: tuple[Changed, ...]
    paces: tuple[Pace, ...]
    cases: int
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    unlike: tuple[str, ...] = ()

    def of(self, change: Change) -> tuple[Changed, ...]:
        """The verdicts that changed so."""
        return tuple(one for one in self.changed if one.change is change)

    @property
    def exit_code(self) -> int:
        """1 where something broke; 3 where something that was judged is not any more; else 0."""
        if self.of(Change.BROKE):
            return ExitCode.FAILED
        return ExitCode.INCONCLUSIVE if self.of(Change.LOST) or not self.cases else ExitCode.HELD


def diff(before: StoredRun, after: StoredRun) -> Diff:
    """Compare two runs."""
    cases = [_by_case(run) for run in (before, after)]
    shared = [name for name in cases[0] if name in cases[1]]
    return Diff(
        before.id,
        after.id,
        tuple(_changed(before, after, shared, cases[1])),
        tuple(_paces(before, after, frozenset(shared))),
        len(shared),
        tuple(name for name in cases[0] if name not in cases[1]),
        tuple(name for name in cases[1] if name not in cases[0]),
        tuple(_unlike(before.facts, after.facts)),
    )


def change(before: str, after: str) -> Change | None:
    """What one verdict turning into another is; None where it is no news."""
    if before == after:
        return None
    if after == Verdict.FAIL.value:
        return Change.BROKE
    if after == Verdict.WARN.value:
        return Change.MENDED if before == Verdict.FAIL.value else Change.WARNED
    if after == Verdict.PASS.value:
        return Change.MENDED if before in _JUDGED else Change.GAINED
    return Change.LOST if before in _JUDGED else None


def _unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in ALIKE:
        if before.get(name) != after.get(name):
            yield f"{name}: {before.get(name)} before, {after.get(name)} after"


def _changed(
    before: StoredRun, after: StoredRun, shared: Iterable[str], cases: Mapping[str, Mapping[str, Any]]
) -> list[Changed]:
    old, new = _verdicts(before), _verdicts(after)
    known, judges = set(shared), _judges(before) & _judges(after)
    found = []
    for key in dict.fromkeys([*old, *new]):
        if key[0] not in known or key[1] not in judges:
            continue
        was, now = old.get(key, {}), new.get(key, {})
        turned = change(was.get("verdict", NOTHING), now.get("verdict", NOTHING))
        if turned is None:
            continue
        bad = was if turned is Change.MENDED else now
        sentence = bad.get("sentence") or bad.get("note") or ""
        verdicts = was.get("verdict", NOTHING), now.get("verdict", NOTHING)
        cassette = cases[key[0]].get("cassette")
        path = None if cassette is None else str(after.path / cassette)
        found.append(Changed(turned, key[0], key[1], *verdicts, sentence, path))
    return sorted(found, key=lambda one: (list(Change).index(one.change), one.contract, one.case))


def _judges(run: StoredRun) -> set[str]:
    """The contracts that judged a run: one that was not selected has lost nothing."""
    return set(run.facts.get("judges", ()))


def _verdicts(run: StoredRun) -> dict[tuple[str, str], Mapping[str, Any]]:
    rows = run.rows("verdicts", ("case_name", "contract", "verdict", "sentence", "note"))
    return {(row["case_name"], row["contract"]): row for row in rows}


def _by_case(run: StoredRun) -> dict[str, Mapping[str, Any]]:
    return {row["case_name"]: row for row in run.rows("cases", ("case_name", "cassette"))}


def _paces(before: StoredRun, after: StoredRun, shared: frozenset[str]) -> Iterator[Pace]:
    old, new = _times(before, shared), _times(after, shared)
    scenarios = dict.fromkeys(name.rsplit("/", 2)[1] for name in shared)
    for metric in METRICS:
        pairs = {
            name: (old[name, metric], new[name, metric])
            for name in shared
            if (name, metric) in old and (name, metric) in new
        }
        if pairs:
            yield _pace(metric, None, list(pairs.values()))
        for scenario in sorted(scenarios):
            own = [pair for name, pair in pairs.items() if name.rsplit("/", 2)[1] == scenario]
            if len(own) >= FEWEST_PAIRS:
                yield _pace(metric, scenario, own)


def _pace(metric: str, scenario: str | None, pairs: Sequence[tuple[float | None, float | None]]) -> Pace:
    sound = [(a, b) for a, b in pairs if a is not None and b is not None]
    old, new = [a for a, _ in sound], [b for _, b in sound]
    middles = quantile(old, 0.5).value, quantile(new, 0.5).value
    return Pace(metric, scenario, ratio(old, new), *middles, saturated=len(pairs) - len(sound))


def _times(run: StoredRun, cases: frozenset[str]) -> dict[tuple[str, str], float | None]:
    """By case and metric the median over the case's client exchanges that were not taken while the harness was
    saturated; None where all were. Exchanges of one case are no pairs of their own: they are not independent.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for row in run.rows("exchanges", ("case_name", "side", "saturated", *METRICS)):
        if row["side"] != Side.CLIENT.value or row["case_name"] not in cases:
            continue
        for metric in METRICS:
            if row[metric] is not None:
                values = found.setdefault((row["case_name"], metric), [])
                values += [] if row["saturated"] else [row[metric]]
    return {key: median(values) if values else None for key, values in found.items()}
