"""Selection: which cases a run exercises, and which contracts judge them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness import contracts, scenarios
from harness.contracts.registry import Contract
from harness.core.case import Case
from harness.core.errors import UnknownName, UsageError
from harness.core.fault import FAULTS, Fault, Reach, select_faults
from harness.core.names import Capability, Form, Provider, System
from harness.core.profile import Profile, SystemFacts, dearest
from harness.core.recording import NO_FAULT
from harness.core.verdict import Subject
from harness.providers import vertex
from harness.scenarios.registry import Scenario

NO_HOST = "http://provider.invalid"
"""A host that cannot resolve: RFC 6761 keeps the name ``invalid`` free for good."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line or in a pytest option. Empty means all."""

    systems: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A case with its scenario and fault. ``lacking`` are the capabilities without which it cannot be exercised."""

    case: Case
    scenario: Scenario
    fault: Fault
    lacking: frozenset[Capability] = frozenset()

    @property
    def alone(self) -> bool:
        """Whether nothing else may run beside it."""
        return self.scenario.alone or not self.fault.tied

    @property
    def outage(self) -> bool:
        """Whether the provider cannot be reached for a time: a target that does not get over it spoils what follows."""
        return self.scenario.outage or not self.fault.tied


def select_contracts(patterns: Sequence[str], *, subject: Subject | None = None) -> tuple[Contract, ...]:
    """The contracts that ids, families or globs name; all where none is named.

    Raises:
        UnknownName: nothing is called so.
    """
    known = {key: one for key, one in contracts.load().items() if subject in (None, one.subject)}
    if not patterns:
        return tuple(known.values())
    chosen: dict[str, Contract] = {}
    for pattern in patterns:
        found = {k: c for k, c in known.items() if pattern in (k, c.family) or fnmatchcase(k, pattern)}
        if not found:
            raise UnknownName("contract", pattern, known)
        chosen |= found
    return tuple(chosen[key] for key in sorted(chosen))


def plan(profile: Profile, wanted: Wanted) -> tuple[Planned, ...]:
    """The cases that a selection comes to on a target, in a fixed order.

    Raises:
        UnknownName: a system, scenario, provider or fault that nothing is called.
        UsageError: the names are known, and together they select nothing.
    """
    systems = _systems(profile, wanted.systems)
    chosen = _scenarios(systems, wanted.scenarios)
    providers = _known("provider", wanted.providers, tuple(Provider))
    faults = {fault.id for fault in select_faults(wanted.faults)} if wanted.faults else set(FAULTS)
    planned = tuple(
        one
        for scenario in chosen
        for one in _cases(profile, scenario)
        if one.case.fault in faults and (not providers or one.case.provider in providers)
    )
    if not planned:
        asked = [*wanted.systems, *wanted.scenarios, *wanted.providers, *wanted.faults]
        raise UsageError(
            f"nothing to run: no case of target '{profile.name}' has all of {', '.join(asked)}",
            fix="See 'harness list scenarios' for the faults and providers of each.",
        )
    return planned


def variant(planned: Planned) -> Mapping[str, str | None]:
    """The settings that the case's target needs beside its profile's."""
    changes = dict(planned.scenario.settings)
    if planned.fault.reach is Reach.NO_HOST:
        changes[f"provider:{planned.case.provider}"] = NO_HOST
    return changes


def _systems(profile: Profile, names: Sequence[str]) -> tuple[System, ...]:
    wanted = _known("system", names, tuple(System))
    lacking = [name for name in wanted if System(name) not in profile.systems]
    if lacking:
        raise UsageError(
            f"target '{profile.name}' does not have the system '{lacking[0]}'",
            fix=f"It has: {', '.join(profile.systems)}.",
        )
    return tuple(system for system in profile.systems if not wanted or system.value in wanted)


def _scenarios(systems: Sequence[System], names: Sequence[str]) -> list[Scenario]:
    known = {key: one for key, one in scenarios.load().items() if key[0] in systems}
    for name in names:
        if not any(fnmatchcase(one.id, name) for one in known.values()):
            raise UnknownName("scenario", name, {one.id for one in known.values()})
    return [one for one in known.values() if not names or any(fnmatchcase(one.id, name) for name in names)]


def _known(kind: str, names: Sequence[str], known: Sequence[str]) -> set[str]:
    for name in names:
        if name not in set(known):
            raise UnknownName(kind, name, known)
    return set(names)


def _cases(profile: Profile, scenario: Scenario) -> Iterator[Planned]:
    facts = profile.systems[scenario.system]
    providers = [p for p in facts.providers if scenario.only is None or p in scenario.only]
    providers = [p for p in providers if not scenario.family or facts.family(p, scenario.family)]
    for provider in providers[:1] if scenario.once else providers:
        for fault in scenario.fault_list(provider, _form(facts, scenario, provider)):
            case = Case(profile.name, scenario.system.value, scenario.id, provider.value, fault.id)
            yield Planned(case, scenario, fault, _lacking(profile, scenario, fault))


def _form(facts: SystemFacts, scenario: Scenario, provider: Provider) -> Form | None:
    """The form of the answers that a scenario calls for, where the provider has several; None where none is listed."""
    if provider is not Provider.VERTEX:
        return None
    family = facts.family(provider, scenario.family)
    if not family:
        return None
    model = family[0] if scenario.family else dearest(family)
    return vertex.form_of(model.upstream or model.id)


def _lacking(profile: Profile, scenario: Scenario, fault: Fault) -> frozenset[Capability]:
    needs = set(scenario.needs)
    if fault.id != NO_FAULT:
        needs.add(Capability.PROVIDER)
    if fault.reach is Reach.NO_HOST or scenario.settings:
        needs.add(Capability.VARIANTS)
    return frozenset(needs) - frozenset(profile.capabilities)
