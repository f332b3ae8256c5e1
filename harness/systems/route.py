"""What a system's tables are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Route:
    """One call of a system. ``path`` may hold ``{names}``. ``name`` is the operation in recordings."""

    name: str
    method: str
    path: str
    authenticated: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client reads when a call failed: the HTTP status before a stream began, the code in either case.

    ``message`` are the words, where the system prescribes them; ``{model}`` stands for the name that was asked for,
    ``{reason}`` for whatever the reason was.
    """

    status: int
    code: str
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTable:
    """What a client of a system reads for each way in which a provider fails.

    ``by_status`` are statuses of the provider below 500, ``unavailable`` all from there on; ``other`` is for those
    that are in neither.
    """

    by_status: Mapping[int, Outcome]
    unavailable: Outcome
    other: Outcome
    unreachable: Outcome  # no connection was made
    timeout: Outcome  # it fell silent
    invalid: Outcome  # it answered what is no answer
    incomplete: Outcome  # its stream ended without an end

    def for_status(self, status: int) -> Outcome:
        """The row for an answer with this status (400 and above)."""
        return self.unavailable if status >= 500 else self.by_status.get(status, self.other)

    def outcomes(self) -> frozenset[Outcome]:
        """Every row, once."""
        rows = (self.unavailable, self.other, self.unreachable, self.timeout, self.invalid, self.incomplete)
        return frozenset((*self.by_status.values(), *rows))


@dataclass(frozen=True, slots=True)
class Transition(Generic[State]):
    """What comes of a step in a session: the state after it, the statuses that may answer it, a refusal's code.

    The reference gives the first of ``statuses``; another is as right. A step has none where nobody is answered, or
    where the status is a failure's own.
    """

    after: State
    statuses: tuple[int, ...] = ()
    code: str | None = None

    @property
    def status(self) -> int | None:
        """The one that the reference gives."""
        return self.statuses[0] if self.statuses else None

    @property
    def legal(self) -> bool:
        """Whether the step is done rather than refused."""
        return all(status < 400 for status in self.statuses)
