"""What a defect is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, ClassVar

from harness.backend.parts import Parts


def instead(**parts: type[Any]) -> Mapping[str, type[Any]]:
    """Part -> the wrong class to put in its place."""
    return MappingProxyType(parts)


def over(wrong: type[Any], right: type[Any]) -> type[Any]:
    """The wrong class over the right one of another system of the same kind: what is wrong is wrong there by it too."""
    return type(wrong.__name__, (wrong, right), {"__module__": wrong.__module__, "__doc__": wrong.__doc__})


class Defect:
    """One thing that is wrong. A subclass is registered by its ``id``.

    ``summary`` says what is wrong, as an observer would. ``shared`` names the parts of ``Parts`` that are replaced;
    an attribute with the name of a system, those of that system's own parts. ``touches`` are the systems in which a
    shared part's being wrong can be seen, where those are not all.
    """

    id: ClassVar[str]
    summary: ClassVar[str]
    shared: ClassVar[Mapping[str, type[Any]]] = instead()
    touches: ClassVar[tuple[str, ...]] = ()
    agent: ClassVar[Mapping[str, type[Any]]] = instead()
    chat: ClassVar[Mapping[str, type[Any]]] = instead()
    gateway: ClassVar[Mapping[str, type[Any]]] = instead()
    runs: ClassVar[Mapping[str, type[Any]]] = instead()
    workflow: ClassVar[Mapping[str, type[Any]]] = instead()
    known: ClassVar[dict[str, type[Defect]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.id in Defect.known:
            raise ValueError(f"two defects are called {cls.id}")
        Defect.known[cls.id] = cls

    def apply(self, parts: Parts) -> Parts:
        """The parts with the wrong ones in their places."""
        wrong: dict[str, Any] = dict(self.shared)
        for system in fields(parts):
            own: Mapping[str, type[Any]] = getattr(self, system.name, {})
            if own:
                wrong[system.name] = replace(getattr(parts, system.name), **own)
        return replace(parts, **wrong)
