"""How a scenario is declared. It drives a target on a stage and never asserts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.core.fault import FAULTS, Fault
from harness.core.names import Answer, Capability, Form, Provider, System
from harness.core.recording import NO_FAULT

if TYPE_CHECKING:
    from .stage import Stage

Drive = Callable[["Stage"], Awaitable[None]]

_REGISTRY: dict[tuple[System, str], Scenario] = {}
SCENARIOS: Mapping[tuple[System, str], Scenario] = MappingProxyType(_REGISTRY)
"""Every scenario by system and id, once ``load`` was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way to use a system.

    ``answer`` is the kind of provider answer that it provokes, which decides the faults that can strike it (``faults``
    False: none but the healthy provider). ``alone`` keeps other cases away while it runs; with ``outage`` it takes the
    provider away meanwhile, and comes after those that do not. ``settings`` is the variant of the target that it
    needs. ``once`` runs it for one provider only, where the provider makes no difference. ``struck`` are the faults
    that strike it (empty: all that can). ``family`` is in the ids of the models that it calls: a target that lists
    no such model of a provider has no case of it.
    """

    id: str
    system: System
    drive: Drive
    answer: Answer | None = None
    faults: bool = False
    alone: bool = False
    outage: bool = False
    once: bool = False
    needs: frozenset[Capability] = frozenset()
    settings: Mapping[str, str | None] = field(default_factory=dict)
    only: frozenset[Provider] | None = None
    struck: frozenset[str] = frozenset()
    family: str = ""

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.drive) or "").partition("\n")[0]

    def fault_list(self, provider: Provider | None = None, form: Form | None = None) -> tuple[Fault, ...]:
        """The faults that mean something here, the healthy provider first.

        With a provider only those that it has; with a form only those that can spoil an answer of its in that.
        """
        if not self.faults or self.answer is None:
            return (FAULTS[NO_FAULT],)
        listed = tuple(
            fault
            for fault in FAULTS.values()
            if self.answer in fault.applies and (not self.struck or fault.id in {NO_FAULT, *self.struck})
        )
        return listed if provider is None else tuple(one for one in listed if one.strikes(provider, self.answer, form))


def scenario(
    id: str,
    system: System,
    *,
    answer: Answer | None = None,
    faults: bool = False,
    alone: bool = False,
    outage: bool = False,
    once: bool = False,
    needs: Iterable[Capability] = (),
    settings: Mapping[str, str | None] | None = None,
    only: Iterable[Provider] | None = None,
    struck: Iterable[str] = (),
    family: str = "",
) -> Callable[[Drive], Drive]:
    """Declare the coroutine function below to be a scenario of a system."""

    def declare(function: Drive) -> Drive:
        if (system, id) in _REGISTRY:
            raise ValueError(f"two scenarios of {system} are called {id}")
        _REGISTRY[system, id] = Scenario(
            id=id,
            system=system,
            drive=function,
            answer=answer,
            faults=faults,
            alone=alone or outage,
            outage=outage,
            once=once,
            needs=frozenset(needs),
            settings=MappingProxyType(dict(settings or {})),
            only=None if only is None else frozenset(only),
            struck=frozenset(struck),
            family=family,
        )
        return function

    return declare


@cache
def load() -> Mapping[tuple[System, str], Scenario]:
    """Import every module of this package, so that ``SCENARIOS`` is whole."""
    package = importlib.import_module(__package__)
    for module in pkgutil.walk_packages(package.__path__, f"{__package__}."):
        importlib.import_module(module.name)
    return SCENARIOS
