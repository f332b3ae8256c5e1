"""What judging yields: violations with their evidence, and one verdict for each contract and case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How binding a promise is, in the words of RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"


class Subject(StrEnum):
    """Whose promise a contract judges."""

    TARGET = "target"
    PROVIDER = "provider"


class Verdict(StrEnum):
    """The outcome of one contract on one case. ``error`` is ours; it never counts for or against a target."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    NOT_APPLICABLE = "not-applicable"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the evidence is: an exchange, bytes of its response body, an event of its stream, a probe, a time.

    ``start`` and ``end`` are byte offsets (end exclusive), ``event`` counts from 0, ``at_ns`` from the recording's
    start.
    """

    exchange: str | None = None
    start: int | None = None
    end: int | None = None
    event: int | None = None
    probe: str | None = None
    at_ns: int | None = None

    def __str__(self) -> str:
        """Fit for a line of text, for example ``c1 bytes 120-188 event 3 at 12.4 ms``."""
        words: list[str] = []
        if self.exchange:
            words.append(self.exchange)
        if self.probe:
            words.append(f"probe {self.probe}")
        if self.start is not None:
            words.append(f"bytes {self.start}-{self.end}")
        if self.event is not None:
            words.append(f"event {self.event}")
        if self.at_ns is not None:
            words.append(f"at {self.at_ns / 1e6:.1f} ms")
        return " ".join(words) or "the recording as a whole"


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: one sentence with the figures in it, and where to look."""

    sentence: str
    evidence: tuple[Pointer, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """The evidence cannot decide: makes the verdict ``inconclusive`` where nothing was violated."""

    sentence: str
    evidence: tuple[Pointer, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """One contract's verdict on one recording. ``subjects`` is how many things it looked at; ``note`` says why
    the verdict is none of pass, fail and warn.
    """

    contract: str
    verdict: Verdict
    violations: tuple[Violation, ...] = ()
    subjects: int = 0
    note: str = ""


class ExitCode:
    """Exit codes of the command, first that applies."""

    USAGE = 2
    FAILED = 1
    INCONCLUSIVE = 3
    HELD = 0


def exit_code(verdicts: set[Verdict]) -> int:
    """The exit code for what was seen: 2 for our own failures, 1 failed, 3 inconclusive, 0 all hold."""
    if Verdict.ERROR in verdicts:
        return ExitCode.USAGE
    if Verdict.FAIL in verdicts:
        return ExitCode.FAILED
    if Verdict.INCONCLUSIVE in verdicts:
        return ExitCode.INCONCLUSIVE
    return ExitCode.HELD
