"""Rules of a ledger that need no clock: nothing is made, nothing is lost, and nothing is paid twice.

Each rule looks at one operation, or at the few that speak of one hold, so that what breaks it is exactly those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from .ledger import ENDS_HOLD, Kind
from .operation import REFUSED, Disorder, Operation


def holds_by_id(operations: Sequence[Operation]) -> dict[str, Operation]:
    """The holds, by their ids; of two with one id the first."""
    found: dict[str, Operation] = {}
    for operation in operations:
        if operation.kind == Kind.HOLD:
            found.setdefault(operation.id, operation)
    return found


def effect(operation: Operation, holds: Mapping[str, Operation]) -> int | None:
    """What an operation of this kind and amount does to a balance, in credits; None where its hold is not known."""
    match operation.kind:
        case Kind.GRANT | Kind.REFUND:
            return operation.amount
        case Kind.HOLD:
            return -operation.amount
        case Kind.SETTLE | Kind.RELEASE:
            hold = holds.get(operation.hold_id or "")
            charged = operation.amount if operation.kind == Kind.SETTLE else 0
            return None if hold is None else hold.amount - charged
        case _:
            return 0


def conserved(operations: Sequence[Operation], opening: int = 0, closing: int | None = None) -> tuple[Disorder, ...]:
    """What breaks the conservation of credits in one account's history.

    ``opening`` is the balance before the first operation, ``closing`` the one after the last, where it is known.
    """
    holds = holds_by_id(operations)
    found = [disorder for operation in operations for disorder in _alone(operation, holds)]
    found += _together(operations)
    total = opening + sum(operation.delta for operation in operations)
    if closing is not None and closing != total:
        found.append(Disorder((), f"From {opening} the operations add up to {total}; the balance is {closing}."))
    return tuple(found)


def _alone(operation: Operation, holds: Mapping[str, Operation]) -> Iterator[Disorder]:
    """What is wrong with one operation, whatever else happened."""
    kind, amount = operation.kind, operation.amount
    wanted = effect(operation, holds)
    if amount < 0:
        yield Disorder((operation,), f"A {kind} has the negative amount {amount}.")
    if wanted is None:
        yield Disorder((operation,), f"A {kind} names the hold {operation.hold_id}, which there is not.")
    elif operation.delta != wanted:
        moved = f"moved the balance by {operation.delta}, not by {wanted}"
        yield Disorder((operation,), f"A {kind} of {amount} {moved}.")
    if operation.balance is not None and operation.balance < 0:
        yield Disorder((operation,), f"A {kind} of {amount} left a balance of {operation.balance}, below zero.")
    if kind == REFUSED and operation.balance is not None and operation.balance >= amount:
        yield Disorder(
            (operation,), f"A hold of {amount} was refused though the balance of {operation.balance} covers it."
        )


def _together(operations: Sequence[Operation]) -> list[Disorder]:
    """What is wrong between operations that speak of the same hold, or that bear one id."""
    ids: defaultdict[str, list[Operation]] = defaultdict(list)
    ends: defaultdict[str | None, list[Operation]] = defaultdict(list)
    refunds: defaultdict[str | None, list[Operation]] = defaultdict(list)
    for operation in operations:
        ids[operation.id].append(operation)
        if operation.kind in ENDS_HOLD:
            ends[operation.hold_id].append(operation)
        elif operation.kind == Kind.REFUND:
            refunds[operation.hold_id].append(operation)
    found = [
        _many(same, f"{len(same)} operations bear the id {name}: one cannot be told from the other.")
        for name, same in ids.items()
        if len(same) > 1
    ]
    found += [
        _many(same, f"One hold was ended {len(same)} times, by {_listed(same)}; a hold ends once.")
        for same in ends.values()
        if len(same) > 1
    ]
    for hold_id, same in refunds.items():
        found += _refunds(same, ends[hold_id])
    return found


def _refunds(refunds: Sequence[Operation], ends: Sequence[Operation]) -> Iterator[Disorder]:
    """What is wrong with the refunds of one hold."""
    if len(refunds) > 1:
        yield _many(refunds, f"One charge was refunded {len(refunds)} times; it is refunded once.")
    settled = next((end for end in ends if end.kind == Kind.SETTLE), None)
    for refund in refunds:
        if settled is None:
            how = "released, not settled" if ends else "never settled"
            yield _many((*ends, refund), f"A refund of {refund.amount} is of a hold that was {how}.")
        elif refund.amount > settled.amount:
            yield _many((settled, refund), f"A refund of {refund.amount} is more than the {settled.amount} charged.")


def _many(operations: Sequence[Operation], why: str) -> Disorder:
    return Disorder(tuple(sorted(operations, key=lambda one: (one.started_ns, one.ended_ns))), why)


def _listed(operations: Sequence[Operation]) -> str:
    return " and ".join(f"{operation.kind} of {operation.amount}" for operation in operations)
