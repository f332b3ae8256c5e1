"""Ledger arithmetic: what a target's ledger probe shows, and what must be true of it.

The shape of the ``ledger`` probe (JSON), one per user:

``{"user_id", "balance", "settled": bool, "in_flight": int, "entries": [...], "usage": [...]}``

An entry is ``{"id", "kind", "amount", "delta", "balance", "hold_id", "shortfall", "reason", "metadata",
"started_ns", "ended_ns"}``: ``amount`` is never negative, ``delta`` is what the entry did to the balance, ``balance``
is what was left after it. ``started_ns`` and ``ended_ns`` are the system's monotonic clock around the operation.
Amounts are whole credits.

A usage row is ``{"id", "hold_id", "model", "provider", "input_tokens", "output_tokens", "estimated", "credits"}``.

``"records"``, which may be left out, is ``{"runs": [id], "plans": [id]}``: what is stored of the user's calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .errors import ProbeError
from .recording import Json


class Kind(StrEnum):
    """What a ledger entry records."""

    GRANT = "grant"  # credits put in; delta = +amount
    HOLD = "hold"  # credits set aside; delta = -amount
    SETTLE = "settle"  # a hold ends, amount is what was charged; delta = held - amount
    RELEASE = "release"  # a hold ends, nothing charged; delta = +held
    REFUND = "refund"  # what a settled hold had charged comes back; delta = +amount


ENDS_HOLD = frozenset({Kind.SETTLE, Kind.RELEASE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ledger entry. See the module for the fields."""

    id: str
    kind: Kind
    amount: int
    delta: int
    balance: int
    hold_id: str | None = None
    shortfall: int = 0
    reason: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    started_ns: int = 0
    ended_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One usage row: what a call used and what it cost. Tokens are as the row has them, right or wrong."""

    id: str
    hold_id: str | None
    model: str
    provider: str
    input_tokens: Json
    output_tokens: Json
    estimated: bool
    credits: Json


@dataclass(frozen=True, slots=True)
class Ledger:
    """A user's account as the probe showed it."""

    user_id: str
    balance: int
    settled: bool
    in_flight: int
    entries: tuple[Entry, ...]
    usage: tuple[Usage, ...]
    records: Mapping[str, tuple[str, ...]] | None = None

    def of(self, *kinds: Kind) -> tuple[Entry, ...]:
        """The entries of these kinds, in ledger order."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    def ends(self, hold: Entry) -> tuple[Entry, ...]:
        """The entries that end a hold: exactly one in a right ledger once the call is over."""
        return tuple(e for e in self.entries if e.kind in ENDS_HOLD and e.hold_id == hold.id)

    def charged(self) -> int:
        """Credits charged and not refunded, over all entries."""
        return sum(e.amount for e in self.of(Kind.SETTLE)) - sum(e.amount for e in self.of(Kind.REFUND))


def read_ledger(data: Json) -> Ledger:
    """The ``ledger`` probe's JSON as a Ledger.

    Raises:
        ProbeError: the data is not of the documented shape; the field is named.
    """
    try:
        return Ledger(
            user_id=str(data["user_id"]),
            balance=_whole(data["balance"]),
            settled=bool(data["settled"]),
            in_flight=_whole(data["in_flight"]),
            entries=tuple(_entry(row) for row in data["entries"]),
            usage=tuple(_usage(row) for row in data["usage"]),
            records=_records(data.get("records")),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        raise ProbeError(
            f"the ledger probe's answer is not of the documented shape: {type(wrong).__name__} {wrong}",
            where="ledger probe",
            fix="See harness.core.ledger for the shape.",
        ) from wrong


def _records(data: Json) -> Mapping[str, tuple[str, ...]] | None:
    """Kind -> ids; None where the target does not show them."""
    return None if data is None else {str(kind): tuple(map(str, ids)) for kind, ids in data.items()}


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _entry(row: Json) -> Entry:
    return Entry(
        id=str(row["id"]),
        kind=Kind(row["kind"]),
        amount=_whole(row["amount"]),
        delta=_whole(row["delta"]),
        balance=_whole(row["balance"]),
        hold_id=row.get("hold_id"),
        shortfall=_whole(row.get("shortfall", 0)),
        reason=str(row.get("reason") or ""),
        metadata=row.get("metadata") or {},
        started_ns=_whole(row.get("started_ns", 0)),
        ended_ns=_whole(row.get("ended_ns", 0)),
    )


def _usage(row: Json) -> Usage:
    return Usage(
        id=str(row["id"]),
        hold_id=row.get("hold_id"),
        model=str(row["model"]),
        provider=str(row["provider"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        estimated=bool(row["estimated"]),
        credits=row["credits"],
    )
