"""The checker of ledger histories: conservation, and an order of the operations that explains what each reported.

Give it the entries of one account (or of many: accounts are independent of each other, so each is checked alone, and
all together are in order when each is). It needs nothing else: an entry says what was asked, what it did, the balance
after it, and between which moments it took effect.

    for disorder in check(ledger.entries, closing=ledger.balance).disorders:
        print(disorder)

A disorder shows the smallest set of operations that cannot be ordered, in one of three senses, the first that applies:
operations that break a rule whatever their order (``core.conservation``); operations that all saw one balance, which
too few can have left just before them (``core.succession``); reports that contradict each other whatever all other
operations reported (``core.contradiction``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import disorders
from .conservation import conserved
from .contradiction import Reduction
from .ledger import Entry
from .operation import Disorder, Operation
from .ordering import NEVER, Budget, Found, Search, Step
from .steps import compile_steps, needs
from .succession import Succession

STATES = 200_000
"""How many states the search of one account looks at before it gives up and says so."""

STATES_FIRST = 20
"""How many states for each operation it looks at before it asks whether there can be an order at all."""

STATES_TO_EXPLAIN = 50_000
"""How many more it may look at to make a contradiction smaller."""

History = Iterable[Entry | Operation]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of checking one account.

    ``disorders`` are proven. ``doubts`` say what could not be checked. ``order`` is an order that explains every
    operation, where one was found.
    """

    disorders: tuple[Disorder, ...] = ()
    doubts: tuple[str, ...] = ()
    order: tuple[Operation, ...] | None = None

    @property
    def holds(self) -> bool:
        """Whether everything was checked and nothing is wrong."""
        return not self.disorders and not self.doubts


def check(history: History, *, opening: int = 0, closing: int | None = None, states: int = STATES) -> Outcome:
    """Check one account's history: first conservation, then order.

    ``opening`` is the balance before the first operation in credits, ``closing`` the one after the last, where it is
    known; ``states`` bounds the search. The history may come in any order, unless it carries no times at all.
    """
    operations = _operations(history)
    lost = conserved(operations, opening, closing)
    ordered = check_order(operations, opening=opening, states=states)
    known = {one.operations for one in lost}
    more = tuple(one for one in ordered.disorders if one.operations not in known)
    return Outcome((*lost, *more), ordered.doubts, None if lost else ordered.order)


def check_accounts(histories: Mapping[str, History], *, states: int = STATES) -> dict[str, Outcome]:
    """Check many accounts, each from a balance of 0; ``states`` bounds the search of each."""
    return {account: check(history, states=states) for account, history in histories.items()}


def check_order(history: History, *, opening: int = 0, states: int = STATES) -> Outcome:
    """Check only whether the operations can be ordered: see ``core.ordering``.

    The first disorder ends the check: nobody knows what balance to go on from. Without any times, the order in which
    the operations were reported is taken as the order in which they happened, and the outcome says so.
    """
    operations = _operations(history)
    untimed = sum(not operation.timed for operation in operations)
    if operations and untimed == len(operations):
        doubt = "No operation says when it happened: only the order in which they were reported was checked."
        broken = next(_broken_links(operations, opening), None)
        return Outcome((broken,) if broken else (), (doubt,), None if broken else tuple(operations))
    early = tuple(_over_too_early(operations))
    if early:
        return Outcome(early)
    doubts = () if not untimed else (f"{untimed} operations do not say when they happened: any moment was allowed.",)
    outcome = _Account(operations, opening, states).check()
    return Outcome(outcome.disorders, (*doubts, *outcome.doubts), outcome.order)


def _operations(history: History) -> list[Operation]:
    return [one if isinstance(one, Operation) else Operation.of(one) for one in history]


class _Account:
    """One account's operations on their way through the search."""

    def __init__(self, operations: Sequence[Operation], opening: int, states: int) -> None:
        self._operations = operations
        self._opening = opening
        self._budget = Budget(states)
        self._steps = sorted(compile_steps(operations), key=lambda step: (step.start, step.end))

    def check(self) -> Outcome:
        """Stretch by stretch: between two of them nothing is under way, so the balance is known."""
        balance = self._opening
        order: list[int] = []
        for window in windows(self._steps):
            if len(window) == 1 and window[0].low <= balance <= window[0].high:
                order.append(window[0].number)
            else:
                found = self._search(window, balance)
                if isinstance(found, Outcome):
                    return found
                order += found
            balance += sum(step.delta for step in window)
        return Outcome(order=tuple(self._operations[number] for number in order))

    def _search(self, window: Sequence[Step], balance: int) -> Outcome | tuple[int, ...]:
        """An order of the window's operations, or what is wrong with them."""
        if len(window) == 1:
            return Outcome((disorders.of_link(self._operations[window[0].number], window[0], balance),))
        found = self._try(window, balance, STATES_FIRST * len(window))
        if found.order is not None:
            return found.order
        crowd = Succession(window, balance).first_crowd()
        if crowd is not None:
            return Outcome((disorders.of_crowd(crowd, self._operations, balance),))
        if found.undecided:
            found = self._try(window, balance, self._budget.states)
        if found.undecided:
            overlap = f"{len(window)} operations that overlap could not be ordered, nor was it proven impossible"
            return Outcome(doubts=(f"Undecided: {overlap}, within the states that the search may look at.",))
        return Outcome((self._contradiction(window, balance, found),)) if found.order is None else found.order

    def _try(self, window: Sequence[Step], balance: int, states: int) -> Found:
        """Search within so many states, and within what is left."""
        budget = Budget(min(states, self._budget.states))
        before = budget.states
        found = Search(window, balance, budget).run()
        self._budget.states -= before - budget.states
        return found

    def _contradiction(self, window: Sequence[Step], balance: int, found: Found) -> Disorder:
        least = Reduction(window, balance, found.stuck_ns, STATES_TO_EXPLAIN).run()
        return disorders.of_contradiction(least, self._operations)


def windows(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps, sorted by start, cut at every moment at which none is under way."""
    window: list[Step] = []
    ended = -NEVER
    for step in steps:
        if window and step.start > ended:
            yield window
            window = []
        window.append(step)
        ended = max(ended, step.end)
    if window:
        yield window


def _over_too_early(operations: Sequence[Operation]) -> Iterator[Disorder]:
    """Pairs of operations of which the one that needs the other was over before that began."""
    for operation, needed in needs(operations):
        if operation.timed and needed.timed and operation.ended_ns < needed.started_ns:
            why = f"The {operation.kind} was over before the {needed.kind} that it speaks of began."
            yield Disorder((operation, needed), why)


def _broken_links(operations: Sequence[Operation], opening: int) -> Iterator[Disorder]:
    """Operations that do not follow on the one reported before them."""
    balance = opening
    for number, step in enumerate(compile_steps(operations)):
        operation = operations[number]
        if step.needs >= number:
            why = f"The {operation.kind} is reported before the {operations[step.needs].kind} that it speaks of."
            yield Disorder((operation, operations[step.needs]), why)
        if not step.low <= balance <= step.high:
            yield disorders.of_link(operation, step, balance, operations[number - 1 : number])
        balance += step.delta
