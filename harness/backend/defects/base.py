"""What a defect is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from harness.backend.parts import Parts


class Defect(ABC):
    """One thing that is wrong. A subclass is registered by its ``id``.

    ``summary`` says what is wrong, as an observer would; ``apply`` puts the wrong part in.
    """

    id: ClassVar[str]
    summary: ClassVar[str]
    known: ClassVar[dict[str, type[Defect]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.id in Defect.known:
            raise ValueError(f"two defects are called {cls.id}")
        Defect.known[cls.id] = cls

    @abstractmethod
    def apply(self, parts: Parts) -> Parts:
        """The parts with the wrong one in its place."""
