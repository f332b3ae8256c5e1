"""An operation on an account, and a set of operations that no sequential account can have done.

Times are nanoseconds on one monotonic clock (``*_ns``), amounts whole credits. An operation took effect at some moment
between its start and its end; operation a came before operation b when a ended before b started.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from .ledger import Entry

REFUSED = "refused"
"""The kind of a hold that was refused because the balance did not cover it; all other kinds are ``ledger.Kind``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What somebody asked of an account, and what came of it.

    ``kind`` is a ``ledger.Kind`` or ``REFUSED``; ``amount``, ``delta`` and ``hold_id`` are as in ``ledger.Entry``.
    ``balance`` is what was left after it; None only for a refused hold that does not say which balance it saw.
    ``started_ns == ended_ns == 0``: when it happened is not known.
    """

    id: str
    kind: str
    amount: int
    delta: int
    balance: int | None
    hold_id: str | None = None
    started_ns: int = 0
    ended_ns: int = 0

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The operation that wrote a ledger entry."""
        return cls(
            id=entry.id,
            kind=entry.kind,
            amount=entry.amount,
            delta=entry.delta,
            balance=entry.balance,
            hold_id=entry.hold_id,
            started_ns=entry.started_ns,
            ended_ns=entry.ended_ns,
        )

    @classmethod
    def refused(
        cls, id: str, amount: int, balance: int | None = None, *, started_ns: int = 0, ended_ns: int = 0
    ) -> Self:
        """A hold of ``amount`` that was refused: it leaves no entry, and it claims that the balance was below it."""
        return cls(
            id=id, kind=REFUSED, amount=amount, delta=0, balance=balance, started_ns=started_ns, ended_ns=ended_ns
        )

    @property
    def timed(self) -> bool:
        """Whether its times say when it happened: an interval, and not the zeros of an absent clock."""
        return self.started_ns <= self.ended_ns and (self.started_ns, self.ended_ns) != (0, 0)

    def text(self, origin_ns: int = 0) -> str:
        """One line, for example ``hold 60 -> 40, 1.204 to 3.970 ms``; times count from ``origin_ns``."""
        balance = "?" if self.balance is None else self.balance
        if not self.timed:
            return f"{self.kind} {self.amount} -> {balance}, time not known"
        start_ms, end_ms = (self.started_ns - origin_ns) / 1e6, (self.ended_ns - origin_ns) / 1e6
        return f"{self.kind} {self.amount} -> {balance}, {start_ms:.3f} to {end_ms:.3f} ms"

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class Disorder:
    """Operations that cannot all have happened as they were reported, and why.

    ``operations`` are the smallest set that says so, in the order of their starts; none where the history as a whole
    is wrong. ``witnesses`` are others whose reports the sentence leans on. ``least`` is False only where the search
    for a smaller set ended before its end.
    """

    operations: tuple[Operation, ...]
    why: str
    witnesses: tuple[Operation, ...] = ()
    least: bool = True

    def lines(self, origin_ns: int | None = None) -> tuple[str, ...]:
        """The sentence, a line for each operation, and one for each witness.

        Times count from ``origin_ns``, or from the earliest start among those that are shown.
        """
        shown = (*self.operations, *self.witnesses)
        earliest_ns = min((one.started_ns for one in shown if one.timed), default=0)
        origin = earliest_ns if origin_ns is None else origin_ns
        return (
            self.why,
            *(f"  {one.text(origin)}" for one in self.operations),
            *(f"  beside: {one.text(origin)}" for one in self.witnesses),
        )

    def __str__(self) -> str:
        return "\n".join(self.lines())
