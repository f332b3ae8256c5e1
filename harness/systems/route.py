"""What a system's tables are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """One call of a system. ``path`` may hold ``{names}``. ``name`` is the operation in recordings."""

    name: str
    method: str
    path: str
    authenticated: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client reads when a call failed: the HTTP status before a stream began, the code in either case."""

    status: int
    code: str
