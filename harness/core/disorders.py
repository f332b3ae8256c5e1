"""What is wrong with operations that cannot be ordered, said in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .contradiction import Contradiction
from .operation import REFUSED, Disorder, Operation
from .ordering import Step
from .succession import Crowd


def of_link(operation: Operation, step: Step, balance: int, before: Sequence[Operation] = ()) -> Disorder:
    """An operation that does not follow on a balance which is known; ``before`` are those that led to it."""
    what, reported = f"a {operation.kind} of {operation.amount}", f", and it reported {operation.balance}"
    after = balance + step.delta
    if operation.kind == REFUSED:
        covered = balance >= operation.amount
        what = f"a hold of {operation.amount} " + (
            "succeeds, and it was refused" if covered else "sees that" + reported
        )
    elif after < 0:
        what += " cannot succeed" + reported
    else:
        what += f" leaves {after}" + reported
    return Disorder((operation,), f"From a balance of {balance}, {what}.", tuple(before))


def of_crowd(crowd: Crowd, operations: Sequence[Operation], opening: int) -> Disorder:
    """Operations that all saw one balance, which too few others can have left just before them.

    ``opening`` is the balance when nothing was under way, just before them and those that overlap them.
    """
    members = _named(crowd.steps, operations)
    first, saw = members[0], crowd.steps[0].low
    if crowd.steps[0].low > crowd.steps[0].high:
        return Disorder(members, _impossible(first))
    if len(members) > 1:
        times = len(crowd.left_by) + crowd.at_opening
        why = f"{len(members)} operations saw a balance of {saw} before them; at most {times} can have found it there."
        why += f" The balance was {saw} before they began." if crowd.at_opening else ""
        return Disorder(members, why, _named(crowd.left_by, operations))
    what = f"A {'hold' if first.kind == REFUSED else first.kind} of {first.amount} saw a balance of {saw}"
    if crowd.since is None:
        return Disorder(members, f"{what}, which nothing left there; it was {opening} when those under way began.")
    since = operations[crowd.since.number]
    last = () if crowd.last is None else _named([crowd.last], operations)
    left = f"which a {last[0].kind} left last" if last else "which was there at first"
    return Disorder(members, f"{what}, {left}, and which a {since.kind} had changed before it began.", (*last, since))


def _impossible(operation: Operation) -> str:
    if operation.kind == REFUSED and (operation.balance or 0) >= operation.amount:
        return f"A hold of {operation.amount} was refused though the balance of {operation.balance} covers it."
    return f"A {operation.kind} of {operation.amount} reported a balance of {operation.balance}: no account gives that."


def of_contradiction(found: Contradiction, operations: Sequence[Operation]) -> Disorder:
    """Reports that contradict each other whatever the other operations reported."""
    members = _named(found.steps, operations)
    one = len(members) == 1
    beside = f", whatever the {found.beside} under way beside {'it' if one else 'them'} did" if found.beside else ""
    seen = "does this one see what it" if one else f"do these {len(members)} see what they"
    why = f"From a balance of {found.opening}, in no order that the times allow{beside}, {seen} reported."
    return Disorder(members, why, (), found.least)


def _named(steps: Iterable[Step], operations: Sequence[Operation]) -> tuple[Operation, ...]:
    return tuple(operations[step.number] for step in steps)
