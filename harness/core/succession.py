"""Which operation can have come just before which: every balance that somebody saw, somebody left.

In an order of operations each one that changes the balance (but for the first) sees what exactly one other left just
before it. So of those that saw one balance, each needs another predecessor: one that left this balance, that did not
start after it had ended, and between which and itself nothing else that changed the balance lies wholly in time. Where
k operations have fewer than k predecessors between them, they cannot be ordered, whatever the rest did (Hall's
condition for matchings). This needs no search, and says in a few operations what went wrong.

The operations are looked at in the order in which they ended, so the first contradiction is found; and its set is
the smallest there is among those that had ended by then: any other holds it whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .ordering import NEVER, Step


@dataclass(frozen=True, slots=True)
class Crowd:
    """``steps`` all saw one balance, and only ``left_by`` can have left it just before one of them: too few.

    ``at_opening``: the balance was there before all steps, so one can have found it without a predecessor.
    For a single step that saw what nobody left at the time, ``last`` is the one that had left that balance latest, and
    ``since`` the one that has certainly changed it since, where there are such.
    """

    steps: tuple[Step, ...]
    left_by: tuple[Step, ...] = ()
    at_opening: bool = False
    last: Step | None = None
    since: Step | None = None


class Succession:
    """The contradictions of this kind among ``steps``, which follow on the balance ``opening``."""

    def __init__(self, steps: Sequence[Step], opening: int) -> None:
        # The opening is a step like any other, over before all others.
        first = Step(-1, -NEVER - 1, -NEVER - 1, 1, opening - 1, opening - 1)
        changing = [step for step in steps if step.delta]
        self._by_end = sorted(steps, key=lambda step: step.end)
        self._ends, self._latest_start = _latest_starts(changing)
        self._arrivals: defaultdict[int, list[Step]] = defaultdict(list)
        for step in sorted((first, *changing), key=lambda step: step.end):
            if step.low == step.high:
                self._arrivals[step.low + step.delta].append(step)
        self._arrival_ends = {balance: [one.end for one in left] for balance, left in self._arrivals.items()}
        self._taken_by: dict[int, Step] = {}  # by the number of the predecessor
        self._has: dict[int, int] = {}  # the number of the predecessor, by that of the step that has it

    def first_crowd(self) -> Crowd | None:
        """The contradiction that was there first, or None."""
        for step in self._by_end:
            if step.low > step.high:
                return Crowd((step,))
            if step.low != step.high:
                continue
            crowd = self._match(step) if step.delta else self._find(step)
            if crowd is not None:
                return crowd
        return None

    def _predecessors(self, step: Step) -> Iterable[Step]:
        """The steps that can have left, just before this one, the balance that it saw."""
        left = self._arrivals.get(step.low, [])
        since = bisect_left(self._arrival_ends.get(step.low, []), self._changed_ns(step))
        return (one for one in left[since:] if one.start <= step.end)

    def _changed_ns(self, step: Step) -> int:
        """When, at the latest, something started that changed the balance and was over before this step began."""
        over = bisect_left(self._ends, step.start)
        return self._latest_start[over - 1].start if over else -NEVER - 1

    def _find(self, step: Step) -> Crowd | None:
        """What is wrong with a step that leaves the balance as it is: it only has to have seen what was there."""
        return None if any(True for _ in self._predecessors(step)) else self._alone(step)

    def _match(self, step: Step) -> Crowd | None:
        """Give the step a predecessor of its own, moving others to other ones; what is wrong where that fails."""
        reached: dict[int, Step] = {}  # the predecessors met, by number, each with the step that wants it
        met: list[Step] = []
        wanting = [step]
        for one in wanting:
            for predecessor in self._predecessors(one):
                if predecessor.number in reached:
                    continue
                reached[predecessor.number] = one
                met.append(predecessor)
                holder = self._taken_by.get(predecessor.number)
                if holder is None:
                    self._hand_over(predecessor.number, reached, step)
                    return None
                wanting.append(holder)
        if not met:
            return self._alone(step)
        left_by = tuple(one for one in met if one.number >= 0)
        return Crowd(tuple(sorted(wanting, key=lambda one: (one.start, one.end))), left_by, len(left_by) < len(met))

    def _hand_over(self, number: int, reached: dict[int, Step], root: Step) -> None:
        """Along the path that led to a free predecessor, each step takes what it reached and gives up what it had."""
        while True:
            step = reached[number]
            given_up = self._has.get(step.number, -1)
            self._taken_by[number], self._has[step.number] = step, number
            if step is root:
                return
            number = given_up

    def _alone(self, step: Step) -> Crowd:
        before = [one for one in self._arrivals.get(step.low, []) if one.end < step.start]
        over = bisect_left(self._ends, step.start)
        since = self._latest_start[over - 1] if over and before else None
        last = before[-1] if before and before[-1].number >= 0 else None
        return Crowd((step,), at_opening=bool(before) and last is None, last=last, since=since)


def _latest_starts(steps: Sequence[Step]) -> tuple[list[int], list[Step]]:
    """The ends in rising order, and for each the step that started last among those that ended by then."""
    ends: list[int] = []
    latest: list[Step] = []
    for step in sorted(steps, key=lambda step: step.end):
        ends.append(step.end)
        latest.append(step if not latest or step.start > latest[-1].start else latest[-1])
    return ends, latest
