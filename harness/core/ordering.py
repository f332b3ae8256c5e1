"""Whether operations on one account can be put into an order that explains what each of them reported.

This is linearizability (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990):
an order that keeps a before b wherever a ended before b started, and in which a sequential account gives every
operation the balance that it reported. Searched as by Wing and Gong (1993) with the memory of Lowe (2017): take one
of the operations that may come next, go on, and never come back to a set of operations that led nowhere before.

An account makes the search short, because each operation tells the balance before it as well as after:

- only an operation that saw the present balance can be next;
- one that leaves the balance as it is can be taken as soon as it can be taken at all: nothing is lost by it;
- of two that do the same to the same balance the one that ended first can be taken first: in any order that takes them
  the other way round they may change places, since what must come after the later end starts after the earlier one too;
- where no operation is under way, what was done is known: each stretch between two such moments is searched alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NEVER = 1 << 64
"""A time that never comes (negative: that was always past) and a balance that no account has."""


@dataclass(frozen=True, slots=True)
class Step:
    """An operation as the search sees it.

    It can be taken when the balance is from ``low`` to ``high``, both inclusive; ``claims`` says whether that is what
    it reported (otherwise it can be taken at any balance). ``needs`` is the number of the operation that must be done
    before it (a settlement's hold, a refund's settlement), where that one claims something too; -1 where there is none.
    ``number`` is its own.
    """

    number: int
    start: int
    end: int
    delta: int
    low: int
    high: int
    needs: int = -1
    claims: bool = True

    def free(self) -> Step:
        """The same operation, whatever it reported and needed: only its time and its effect count."""
        return Step(self.number, self.start, self.end, self.delta, -NEVER, NEVER, -1, False)


@dataclass(slots=True)
class Budget:
    """How many states may still be looked at."""

    states: int


@dataclass(slots=True)
class Found:
    """What a search came to.

    ``order``: the numbers of the operations in an order that explains them; None where there is none or, with
    ``undecided``, where the budget ended first. ``stuck_ns``, where there is none: the earliest moment at which what
    had ended could not be explained any more.
    """

    order: tuple[int, ...] | None = None
    undecided: bool = False
    stuck_ns: int = -NEVER


@dataclass(slots=True)
class _Choice:
    """A state that may have to be come back to; ``done`` is how many steps led to it."""

    pending: tuple[int, ...]
    following: int
    balance: int
    done: int
    options: list[int]


class Search:
    """One search through ``steps``, which are sorted by start and then end, from the balance ``opening``.

    A state is the steps that have started and are not done (``pending``), the first that has not started
    (``following``), and the balance, which follows from the two. Steps are meant by their places.
    """

    def __init__(self, steps: Sequence[Step], opening: int, budget: Budget) -> None:
        self._steps = steps
        self._opening = opening
        self._budget = budget
        place = {step.number: at for at, step in enumerate(steps) if step.claims}
        self._needs = [place.get(step.needs, -1) for step in steps]
        self._claims_from = [0] * (len(steps) + 1)
        for at in range(len(steps) - 1, -1, -1):
            self._claims_from[at] = self._claims_from[at + 1] + steps[at].claims
        # Whether two that are alike may change places: what needs the later end must start after that end.
        self._movable = [True] * len(steps)
        for at, needed in enumerate(self._needs):
            if needed >= 0 and steps[at].start <= steps[needed].end:
                self._movable[needed] = False

    def run(self) -> Found:
        """Search until an order is found, there is none, or the budget ends."""
        found = Found()
        choices: list[_Choice] = []
        seen: set[tuple[int, tuple[int, ...]]] = set()
        order: list[int] = []
        pending, following, balance = self._advance((), 0, self._opening, order)
        while not self._explained(pending, following):
            found.stuck_ns = max(found.stuck_ns, min(self._steps[at].end for at in pending))
            if (following, pending) not in seen:
                seen.add((following, pending))
                self._budget.states -= 1
                options = self._options(pending, following, balance)
                choices.append(_Choice(pending, following, balance, len(order), options))
            while choices and not choices[-1].options:
                choices.pop()
            found.undecided = self._budget.states < 0
            if not choices or found.undecided:
                return found
            choice = choices[-1]
            taken = choice.options.pop()
            order[choice.done :] = [taken]
            left = tuple(at for at in choice.pending if at != taken)
            delta = self._steps[taken].delta
            pending, following, balance = self._advance(left, choice.following, choice.balance + delta, order)
        rest = sorted((*pending, *range(following, len(self._steps))), key=lambda at: self._steps[at].end)
        found.order = tuple(self._steps[at].number for at in (*order, *rest))
        return found

    def _explained(self, pending: tuple[int, ...], following: int) -> bool:
        """Whether no claim is left: the rest can be done in the order in which they ended."""
        return not self._claims_from[following] and not any(self._steps[at].claims for at in pending)

    def _advance(
        self, pending: tuple[int, ...], following: int, balance: int, order: list[int]
    ) -> tuple[tuple[int, ...], int, int]:
        """Let start what may come before the first end, and take what leaves the balance as it is."""
        steps, count = self._steps, len(self._steps)
        while True:
            started = list(pending)
            first_end = min((steps[at].end for at in started), default=NEVER)
            while following < count and steps[following].start <= first_end:
                first_end = min(first_end, steps[following].end)
                started.append(following)
                following += 1
            idle = {at for at in started if not steps[at].delta and self._able(at, started, following, balance)}
            order.extend(sorted(idle))
            pending = tuple(at for at in started if at not in idle)
            if not idle or (not pending and following == count):
                return pending, following, balance

    def _able(self, at: int, pending: Sequence[int], following: int, balance: int) -> bool:
        """Whether a step that has started can be taken at this balance: what it needs is done, too."""
        step, needed = self._steps[at], self._needs[at]
        return step.low <= balance <= step.high and (needed < 0 or (needed < following and needed not in pending))

    def _options(self, pending: tuple[int, ...], following: int, balance: int) -> list[int]:
        """The steps that may come next, the likeliest last."""
        steps = self._steps
        able = [at for at in pending if self._able(at, pending, following, balance)]
        able.sort(key=lambda at: (not steps[at].claims, steps[at].end))
        options: list[int] = []
        seen: set[tuple[int, int, int]] = set()
        for at in able:
            alike = (steps[at].delta, steps[at].low, steps[at].high)
            if alike not in seen or not self._movable[at]:
                options.append(at)
            seen.add(alike)
        options.reverse()
        return options
