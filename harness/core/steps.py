"""Operations as the search for an order sees them: numbers, and what a sequential account would have answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .conservation import effect, holds_by_id
from .ledger import ENDS_HOLD, Kind
from .operation import REFUSED, Operation
from .ordering import NEVER, Step


def compile_steps(operations: Sequence[Operation]) -> list[Step]:
    """A step for each operation, numbered as they come."""
    holds = holds_by_id(operations)
    place = {id(operation): number for number, operation in enumerate(operations)}
    needed = {id(operation): place[id(other)] for operation, other in needs(operations)}
    steps = []
    for number, operation in enumerate(operations):
        delta = effect(operation, holds)
        delta = operation.delta if delta is None else delta
        low, high = _seen(operation, delta)
        start, end = (operation.started_ns, operation.ended_ns) if operation.timed else (-NEVER, NEVER)
        steps.append(Step(number, start, end, delta, low, high, needed.get(id(operation), -1)))
    return steps


def needs(operations: Sequence[Operation]) -> Iterator[tuple[Operation, Operation]]:
    """Each operation that speaks of another, and that one: an end with its hold, a refund with its settlement."""
    holds = holds_by_id(operations)
    settled = {one.hold_id: one for one in reversed(operations) if one.kind == Kind.SETTLE}
    for operation in operations:
        other = None
        if operation.kind in ENDS_HOLD:
            other = holds.get(operation.hold_id or "")
        elif operation.kind == Kind.REFUND:
            other = settled.get(operation.hold_id)
        if other is not None:
            yield operation, other


def _seen(operation: Operation, delta: int) -> tuple[int, int]:
    """The balances before it at which a sequential account gives what the operation reported, both inclusive."""
    nowhere = (NEVER, -NEVER)
    if operation.balance is None:
        return (-NEVER, operation.amount - 1) if operation.kind == REFUSED else (-NEVER, NEVER)
    if operation.balance < 0 or (operation.kind == REFUSED and operation.balance >= operation.amount):
        return nowhere
    before = operation.balance - delta
    return (before, before) if before >= 0 else nowhere
