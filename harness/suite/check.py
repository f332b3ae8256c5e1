"""Judging recordings that strangers made: files and folders in, one report out. Nothing is driven, nothing is written.

Each file is told by its content, read, classified and judged by every provider contract, one file at a time, so
memory is bounded by the largest file.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import contracts
from harness.cassettes import file as cassette
from harness.cassettes import readers
from harness.cassettes.interaction import HEADER_URI
from harness.contracts.registry import Contract
from harness.core.errors import CassetteError, UsageError
from harness.core.recording import Exchange, Json, Recording, Side, Source
from harness.core.verdict import Subject, Verdict, Violation
from harness.providers.classify import UNKNOWN, classify
from harness.providers.terminal import unfinished

OURS = "harness"
NO_RECORDING = "not a recording in any format that is known"
NO_FAMILY = ""
_SHAPE_BYTES = 4096

Progress = Callable[[int, int], None]
"""Called with the files done and the files there are."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A contract that an exchange broke: a failure for a MUST, a warning for a SHOULD."""

    path: str
    exchange: str
    contract: str
    verdict: Verdict
    violation: Violation


@dataclass(slots=True)
class CheckReport:
    """What checking found.

    ``files`` is how many were looked at, ``interactions`` how many exchanges were read. ``providers`` counts
    exchanges by provider and endpoint, ``verdicts`` counts one for each provider contract and exchange, ``formats``
    files. ``judged`` counts exchanges by provider and family of contracts: those in which the family had something to
    judge, under no family those in which none had; ``contracts`` counts them by contract. ``broken_off`` are (path,
    exchange) of streams that were recorded only in part: told, not failed. ``unread`` are (path, reason); a path of an
    interaction has its number behind a colon.
    """

    files: int = 0
    interactions: int = 0
    providers: dict[str, Counter[str]] = field(default_factory=dict)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    judged: dict[str, Counter[str]] = field(default_factory=dict)
    contracts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    broken_off: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> list[Failure]:
        """The failures of a MUST."""
        return [one for one in self.failures if one.verdict is Verdict.FAIL]

    @property
    def warned(self) -> list[Failure]:
        """The failures of a SHOULD."""
        return [one for one in self.failures if one.verdict is Verdict.WARN]

    def to_json(self) -> dict[str, Json]:
        """The report as plain data; every verdict has a count, zero too."""
        return {
            "files": self.files,
            "interactions": self.interactions,
            "providers": {name: sum(ends.values()) for name, ends in sorted(self.providers.items())},
            "verdicts": {verdict.value: self.verdicts[verdict] for verdict in Verdict},
            "unread": [{"path": path, "reason": reason} for path, reason in self.unread],
            "failures": [_failure_json(one) for one in self.failures],
            "endpoints": {name: dict(sorted(ends.items())) for name, ends in sorted(self.providers.items())},
            "judged": {name: dict(sorted(found.items())) for name, found in sorted(self.judged.items())},
            "contracts": dict(sorted(self.contracts.items())),
            "formats": dict(sorted(self.formats.items())),
            "broken_off": [{"path": path, "exchange": exchange} for path, exchange in self.broken_off],
        }


def check(paths: Sequence[Path], *, progress: Progress | None = None) -> CheckReport:
    """Judge every recording under the paths by every provider contract.

    Raises:
        UsageError: a path does not exist, or there is none.
    """
    files = _files(paths)
    judges = [one for one in contracts.load().values() if one.subject is Subject.PROVIDER]
    report = CheckReport()
    for done, path in enumerate(files):
        if progress is not None:
            progress(done, len(files))
        _check_file(path, judges, report)
    if progress is not None:
        progress(len(files), len(files))
    return report


def classified(recording: Recording) -> Recording:
    """The recording with every provider exchange named by whose API it is and which call.

    What is named already stays: the simulators know whom they play.
    """
    return replace(recording, exchanges=tuple(_classified(exchange) for exchange in recording.exchanges))


def _files(paths: Iterable[Path]) -> list[Path]:
    """Every file named or under a folder named, once, in order; hidden folders are passed over."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(_walk(path)))
        elif path.exists():
            found[path] = None
        else:
            raise UsageError(f"there is no file or folder {path}", fix="Name recordings, or a folder that holds some.")
    if not found and not paths:
        raise UsageError("nothing to check", fix="Name recordings, or a folder that holds some.")
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path


def _check_file(path: Path, judges: Sequence[Contract], report: CheckReport) -> None:
    report.files += 1
    name = str(path)
    try:
        recording = _read(path, report)
    except CassetteError as wrong:
        report.unread.append((name, wrong.what))
        return
    if recording is None:
        return
    recording = classified(recording)
    for exchange in recording.side(Side.PROVIDER):
        _judge(name, recording, exchange, judges, report)


def _read(path: Path, report: CheckReport) -> Recording | None:
    """A file's recording; None where it is none, which the report then says."""
    name = str(path)
    if cassette.is_ours(path):
        report.formats[OURS] += 1
        with warnings.catch_warnings(record=True) as torn:
            warnings.simplefilter("always", cassette.CassetteWarning)
            recording = cassette.load(path)
        report.unread += [(name, "the last line is torn and was dropped")] if torn else []
        return recording
    sample = readers.load(path)
    if HEADER_URI.encode() in sample.data[: 1 << 16]:
        raise CassetteError("a packed cassette of this harness: unpack it first", where=name)
    format_ = readers.detect(sample)
    if format_ is None:
        report.unread.append((name, f"{NO_RECORDING}: {sample.trouble}" if sample.trouble else NO_RECORDING))
        return None
    report.formats[format_.name] += 1
    foreign = format_.read(sample)
    report.unread += [(f"{name}: {where}", why) for where, why in foreign.unread]
    return foreign.recording


def _judge(
    name: str, recording: Recording, exchange: Exchange, judges: Sequence[Contract], report: CheckReport
) -> None:
    """Count and judge one exchange by itself, so that a verdict is one contract's on one interaction."""
    provider = exchange.provider or UNKNOWN
    report.interactions += 1
    report.providers.setdefault(provider, Counter())[exchange.operation] += 1
    families: set[str] = set()
    alone = Recording(header=recording.header, exchanges=(exchange,), name=name)
    for one in judges:
        judgement = contracts.judge(one, alone)
        report.verdicts[judgement.verdict] += 1
        if judgement.verdict is not Verdict.NOT_APPLICABLE:
            families.add(one.family)
            report.contracts[one.id] += 1
        report.failures += [
            Failure(name, exchange.id, one.id, judgement.verdict, violation) for violation in judgement.violations
        ]
    report.judged.setdefault(provider, Counter()).update(families or {NO_FAMILY})
    if recording.header.source is Source.THIRD_PARTY and _broken_off(exchange):
        report.broken_off.append((name, exchange.id))


def _broken_off(exchange: Exchange) -> bool:
    """Whether a stranger recorded only the beginning of a stream."""
    response = exchange.response
    if response is None or response.status != 200:
        return False
    return unfinished(exchange.operation, response.header("content-type"), response.body)


def _classified(exchange: Exchange) -> Exchange:
    if exchange.side is not Side.PROVIDER or (exchange.operation and exchange.provider):
        return exchange
    request, response = exchange.request, exchange.response
    kind = classify(
        request.method,
        request.url,
        request.headers,
        request.body[:_SHAPE_BYTES],
        response.headers if response else (),
        response.body[:_SHAPE_BYTES] if response else b"",
    )
    return replace(exchange, operation=exchange.operation or kind.endpoint, provider=exchange.provider or kind.provider)


def _failure_json(failure: Failure) -> dict[str, Json]:
    return {
        "path": failure.path,
        "exchange": failure.exchange,
        "contract": failure.contract,
        "verdict": failure.verdict.value,
        "sentence": failure.violation.sentence,
        "evidence": [str(pointer) for pointer in failure.violation.evidence],
    }
