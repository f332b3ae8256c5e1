"""How a contract is declared, and how one is judged.

A contract is a generator function under ``@contract``: it takes one subject and the recording that the subject is
from, and yields violations (and doubts, where the evidence cannot decide). Its docstring is what ``harness explain``
prints.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from harness.core.errors import ProbeError
from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Doubt, Judgement, Level, Subject, Verdict, Violation

S = TypeVar("S")
Findings = Iterator[Violation | Doubt]
Select = Callable[[Recording], Iterable[S]]
Judge = Callable[[S, Recording], Findings]

_REGISTRY: dict[str, Contract] = {}
CONTRACTS: Mapping[str, Contract] = MappingProxyType(_REGISTRY)
"""Every contract by its id, once ``load`` was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One promise and its judge.

    ``source`` is the clause or document that the promise comes from, or ``house`` with the reason.
    ``breakers`` names what proves that the contract can fail: defects of the reference backend for a target
    contract, fault scripts or mutations for a provider contract.
    ``needs`` are the capabilities without which nothing can be seen: the verdict is then ``unsupported``.
    """

    id: str
    family: str
    level: Level
    subject: Subject
    source: str
    systems: frozenset[str]
    select: Select[Any]
    judge: Judge[Any]
    breakers: tuple[str, ...]
    needs: frozenset[Capability] = frozenset()
    since: str = "0.1"
    deprecated: str | None = None
    replaced_by: str | None = None

    @property
    def text(self) -> str:
        """The docstring: the promise in its first line, then why."""
        return inspect.getdoc(self.judge) or ""

    @property
    def promise(self) -> str:
        """The first sentence."""
        return self.text.split("\n\n")[0].replace("\n", " ")


def contract(
    id: str,
    *,
    select: Select[S],
    source: str,
    breakers: tuple[str, ...],
    systems: Iterable[str] = (),
    level: Level = Level.MUST,
    subject: Subject = Subject.TARGET,
    needs: Iterable[Capability] = (),
    since: str = "0.1",
    deprecated: str | None = None,
    replaced_by: str | None = None,
) -> Callable[[Judge[S]], Judge[S]]:
    """Declare the function below to be a contract. ``id`` is ``family.name`` and is never used twice.

    ``systems`` are the systems that make the promise; a target contract names at least one.
    """

    def declare(function: Judge[S]) -> Judge[S]:
        if id in _REGISTRY:
            raise ValueError(f"two contracts are called {id}: an id is never used twice")
        _REGISTRY[id] = Contract(
            id=id,
            family=id.split(".", 1)[0],
            level=level,
            subject=subject,
            source=source,
            systems=frozenset(systems),
            select=select,
            judge=function,
            breakers=breakers,
            needs=frozenset(needs),
            since=since,
            deprecated=deprecated,
            replaced_by=replaced_by,
        )
        return function

    return declare


def load() -> Mapping[str, Contract]:
    """Import every module of this package, so that ``CONTRACTS`` is whole; gives it, sorted by id."""
    _import_all()
    return MappingProxyType(dict(sorted(_REGISTRY.items())))


@cache
def _import_all() -> None:
    package = importlib.import_module(__package__)
    for module in pkgutil.walk_packages(package.__path__, f"{__package__}."):
        importlib.import_module(module.name)


def judge(contract: Contract, recording: Recording) -> Judgement:
    """One contract's verdict on one recording. Pure: the same recording, the same judgement."""
    excuse = _excuse(contract, recording)
    if excuse is not None:
        return excuse
    try:
        subjects = list(contract.select(recording))
        findings = [finding for subject in subjects for finding in contract.judge(subject, recording)]
    except ProbeError as void:
        return Judgement(contract.id, Verdict.ERROR, note=str(void))
    violations = tuple(finding for finding in findings if isinstance(finding, Violation))
    doubts = [finding for finding in findings if isinstance(finding, Doubt)]
    if violations:
        verdict = Verdict.FAIL if contract.level is Level.MUST else Verdict.WARN
        return Judgement(contract.id, verdict, violations, len(subjects))
    if doubts:
        return Judgement(contract.id, Verdict.INCONCLUSIVE, (), len(subjects), doubts[0].sentence)
    if not subjects:
        return Judgement(contract.id, Verdict.NOT_APPLICABLE, note="nothing in the recording is its subject")
    return Judgement(contract.id, Verdict.PASS, (), len(subjects))


def _excuse(contract: Contract, recording: Recording) -> Judgement | None:
    """The judgement where the contract need not look at the evidence at all."""
    header = recording.header
    of_target = contract.subject is Subject.TARGET
    if of_target and header.system not in contract.systems:
        return Judgement(contract.id, Verdict.NOT_APPLICABLE, note="another system's promise")
    if header.void is not None and (of_target or header.system is None):
        return Judgement(contract.id, Verdict.ERROR, note=header.void)
    if header.void is not None:
        return Judgement(contract.id, Verdict.NOT_APPLICABLE, note="the case is void, and all that is in it")
    lacking = sorted(contract.needs - header.capabilities) if of_target else []
    if lacking:
        return Judgement(contract.id, Verdict.UNSUPPORTED, note=f"the target lacks: {', '.join(lacking)}")
    return None
