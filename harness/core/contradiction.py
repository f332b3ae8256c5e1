"""The smallest set of operations that cannot be ordered.

What a set of operations says when the others are left out has to be defined, since every operation moves the balance
that the next one sees. Here an operation that is left out did happen, at some moment between its start and its end,
and moved the balance by what its kind and amount say; only its report is left out, the balance that it gave and the
hold that it named. So a set **contradicts itself** when no order of all operations that respects their times gives
each operation *of the set* what it reported. Adding reports never mends a contradiction, so there are smallest sets.

Only what had started at the earliest moment at which the history could not be explained any more is considered: a
reader wants the first thing that went wrong, and what started later cannot have caused it. Of these reports as many
are taken away as go, first from the front, then one by one. Last, every smaller set is tried, the earliest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from .ordering import Budget, Search, Step

_STATES_A_TEST = 2_000
_SETS = 2_000


@dataclass(frozen=True, slots=True)
class Contradiction:
    """``steps`` contradict each other. ``least``: it is proven that no smaller set does.

    ``opening`` is the balance when the first of them started, after all that had ended by then; ``beside`` counts
    the steps outside the set that were under way while it lasted.
    """

    steps: tuple[Step, ...]
    least: bool
    opening: int
    beside: int


class Reduction:
    """The search for the smallest contradiction among ``steps`` (sorted by start), which follow on ``opening``.

    Those of them that started by ``until_ns`` contradict themselves; the others only move the balance. Every question
    about a set is given a limited number of states; one that cannot be answered within them counts as "can be
    ordered", so a contradiction is always a proven one.
    """

    def __init__(self, steps: Sequence[Step], opening: int, until_ns: int, states: int) -> None:
        self._steps = steps
        self._count = sum(step.start <= until_ns for step in steps)
        self._opening = opening
        self._states = states
        self._sure = True

    def run(self) -> Contradiction:
        """The smallest contradiction, as far as the states go."""
        found = self._without_each(self._tail())
        least = self._smaller(len(found))
        if least is not None:
            found = least
        steps = tuple(self._steps[at] for at in found)
        opening, members = self._around(steps)
        return Contradiction(steps, self._sure, opening, len(members) - len(steps))

    def _tail(self) -> tuple[int, ...]:
        """The shortest tail of the reports that contradicts itself, found by doubling and then halving."""
        count, size = self._count, 1
        while size < count and not self._contradicts(range(count - size, count)):
            size *= 2
        too_short, enough = size // 2, min(size, count)
        while enough - too_short > 1:
            middle = (too_short + enough) // 2
            if self._contradicts(range(count - middle, count)):
                enough = middle
            else:
                too_short = middle
        return tuple(range(count - enough, count))

    def _without_each(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        for at in chosen[1:]:
            fewer = tuple(other for other in chosen if other != at)
            if self._contradicts(fewer):
                chosen = fewer
        return chosen

    def _smaller(self, size: int) -> tuple[int, ...] | None:
        """A contradiction of fewer members, of the fewest, or None. Notes whether all of them were tried."""
        self._sure, tried = True, 0
        for fewer in range(1, size):
            for chosen in combinations(range(self._count), fewer):
                tried += 1
                if tried > _SETS or self._states < 0:
                    self._sure = False
                    return None
                if self._contradicts(chosen):
                    return chosen
        return None

    def _contradicts(self, chosen: Sequence[int]) -> bool:
        """Whether no order gives each of these what it reported."""
        steps = tuple(self._steps[at] for at in chosen)
        opening, members = self._around(steps)
        budget = Budget(max(0, min(_STATES_A_TEST, self._states)))
        before = budget.states
        found = Search(members, opening, budget).run()
        self._states -= before - budget.states
        self._sure = self._sure and not found.undecided
        return found.order is None and not found.undecided

    def _around(self, chosen: Sequence[Step]) -> tuple[int, list[Step]]:
        """The balance when the first of these started, and all steps that were under way while they lasted.

        What ended before them has all been done; what started after them matters to none of them.
        """
        start, end = min(step.start for step in chosen), max(step.end for step in chosen)
        claimed = {step.number for step in chosen}
        opening, members = self._opening, list[Step]()
        for step in self._steps:
            if step.end < start:
                opening += step.delta
            elif step.start <= end:
                members.append(step if step.number in claimed else step.free())
        return opening, members
