"""The checker against hidden orders, against known incidents, and against every permutation."""

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from harness.core.contradiction import Reduction
from harness.core.history import check, check_accounts, check_order, windows
from harness.core.ledger import Entry, Kind
from harness.core.operation import Operation
from harness.core.ordering import Budget, Search
from harness.core.steps import compile_steps

MS = 1_000_000
DELTAS = {"grant": 1, "refund": 1, "hold": -1, "refused": 0}


def op(id, kind, amount, balance, start_ms, end_ms, *, of=None, held=None):
    """An operation on one account; ``held`` is what its hold had set aside, where it ends one."""
    delta = DELTAS[kind] * amount if kind in DELTAS else held - (amount if kind == "settle" else 0)
    return Operation(
        id=id,
        kind=kind,
        amount=amount,
        delta=delta,
        balance=balance,
        hold_id=of,
        started_ns=start_ms * MS,
        ended_ns=end_ms * MS,
    )


GRANT = op("g", "grant", 100, 100, 1, 2)
HOLD = op("h", "hold", 60, 40, 3, 4)


@st.composite
def histories(draw, most=12):
    """What a sequential account reports of random operations, each in an interval around the moment it happened."""
    balance, ended, charged = 0, {}, {}
    operations = []
    for at in range(draw(st.integers(1, most))):
        choices = ["grant", "hold"] + ["settle", "release"] * bool(ended) + ["refund"] * bool(charged)
        kind = draw(st.sampled_from(choices))
        amount, of, held = draw(st.integers(0, 4)), None, None
        if kind in ("settle", "release"):
            of = draw(st.sampled_from(sorted(ended)))
            held = ended.pop(of)
            amount = held if kind == "release" else min(amount, held + balance)
            if kind == "settle":
                charged[of] = amount
        elif kind == "refund":
            of = draw(st.sampled_from(sorted(charged)))
            amount = min(amount, charged.pop(of))
        elif kind == "hold" and amount > balance:
            kind = "refused"
        elif kind == "hold":
            ended[f"o{at}"] = amount
        start, end = 10 * at - draw(st.integers(0, 40)), 10 * at + draw(st.integers(0, 40))
        one = op(f"o{at}", kind, amount, 0, 100 + start, 100 + end, of=of, held=held)
        balance += one.delta
        seen = balance if kind != "refused" or draw(st.booleans()) else None
        operations.append(Operation(**{name: getattr(one, name) for name in one.__slots__} | {"balance": seen}))
    return draw(st.permutations(operations))


def changed(one, **fields):
    return Operation(**{name: getattr(one, name) for name in one.__slots__} | fields)


@given(histories(most=40))
def test_what_a_sequential_account_reported_is_always_in_order(history):
    outcome = check(history, closing=sum(one.delta for one in history))
    assert outcome.holds
    assert sorted(one.id for one in outcome.order) == sorted(one.id for one in history)
    assert accepts(outcome.order)
    assert not any(later.ended_ns < earlier.started_ns for earlier, later in itertools.combinations(outcome.order, 2))


def accepts(order, reporters=None):
    """Whether a sequential account reports this when it is asked in this order; by default of every operation."""
    balance, held, charged = 0, {}, {}
    named = {one.id: one for one in order}
    done = set()
    for one in order:
        says = reporters is None or one.id in reporters
        if reporters is None and not _allowed(one, held, charged):
            return False
        if says and not _explained(one, balance, done, reporters, named):
            return False
        balance += one.delta
        done.add(one.id)
        if one.kind == "hold":
            held[one.id] = one.amount
        elif one.kind == "settle":
            charged[one.hold_id] = one.amount
        if one.kind in ("settle", "release"):
            held.pop(one.hold_id, None)
        elif one.kind == "refund":
            charged.pop(one.hold_id, None)
    return True


def _allowed(one, held, charged):
    match one.kind:
        case "settle" | "release":
            wanted = held.get(one.hold_id, 0) - (one.amount if one.kind == "settle" else 0)
            return one.hold_id in held and one.delta == wanted and one.amount >= 0
        case "refund":
            return 0 <= one.amount <= charged.get(one.hold_id, -1) and one.delta == one.amount
        case _:
            return one.amount >= 0 and one.delta == DELTAS[one.kind] * one.amount


def _explained(one, balance, done, reporters, named):
    needed = None
    if one.kind in ("settle", "release"):
        needed = one.hold_id
    elif one.kind == "refund":
        needed = next((o.id for o in named.values() if o.kind == "settle" and o.hold_id == one.hold_id), None)
    if needed is not None and (reporters is None or needed in reporters) and needed not in done:
        return False
    after = balance + one.delta
    if one.kind == "refused":
        return balance < one.amount and (one.balance is None or one.balance == balance >= 0)
    return one.balance == after >= 0 and balance >= 0


def orders(history):
    """Every order that respects the times."""
    if not history:
        yield ()
    for one in history:
        if not any(other.ended_ns < one.started_ns for other in history):
            for rest in orders([other for other in history if other is not one]):
                yield (one, *rest)


def explained(history):
    """Whether any permutation explains the history."""
    return any(accepts(order) for order in orders(history))


@st.composite
def spoilt(draw, most):
    """A history with one thing in it changed, which may or may not spoil it."""
    history = draw(histories(most))
    at = draw(st.integers(0, len(history) - 1))
    one = history[at]
    ids = [other.id for other in history]
    change = draw(
        st.sampled_from(
            [
                {"balance": (one.balance or 0) + draw(st.integers(-3, 3))},
                {"amount": one.amount + draw(st.integers(-2, 2))},
                {"delta": one.delta + draw(st.integers(-2, 2))},
                {"hold_id": draw(st.sampled_from(ids))},
                {"started_ns": one.ended_ns},
                {"ended_ns": one.started_ns},
                {"kind": draw(st.sampled_from([kind.value for kind in Kind if kind is not Kind.HOLD]))},
                None,
            ]
        )
    )
    if change is None:
        return [other for other in history if other is not one]
    return [*history[:at], changed(one, **change), *history[at + 1 :]]


@given(spoilt(6))
def test_a_changed_history_is_refused_exactly_when_no_permutation_explains_it(history):
    assert bool(check(history).disorders) is not explained(history)


@given(histories(7))
def test_seven_operations_agree_with_all_permutations(history):
    assert explained(history)
    assert check(history).holds


def unexplainable(history, reporters):
    return not any(accepts(order, reporters) for order in orders(history))


def first_cut(history):
    """The ids of the operations that had started at the earliest moment at which what had ended is not explained."""
    for until in sorted(one.ended_ns for one in history):
        begun = [one for one in history if one.started_ns <= until]
        rest = [one for one in begun if one.ended_ns > until]
        subsets = itertools.chain.from_iterable(itertools.combinations(rest, n) for n in range(len(rest) + 1))
        parts = ([one for one in begun if one.ended_ns <= until] + list(some) for some in subsets)
        if not any(explained(part) for part in parts):
            return [one.id for one in begun]
    return []


@st.composite
def misreported(draw, most):
    """A history in which one operation gives a wrong balance, which may or may not be explained by another order."""
    history = draw(histories(most))
    at = draw(st.integers(0, len(history) - 1))
    assume(history[at].balance is not None)
    wrong = history[at].balance + draw(st.sampled_from([-2, -1, 1, 2]))
    return [*history[:at], changed(history[at], balance=wrong), *history[at + 1 :]]


@given(misreported(5))
def test_a_contradiction_of_reports_is_the_smallest_that_there_is(history):
    cut = first_cut(history)
    assume(cut)
    steps = sorted(compile_steps(history), key=lambda step: (step.start, step.end))
    stuck = Search(steps, 0, Budget(10_000)).run()
    assert stuck.order is None
    assert {history[step.number].id for step in steps if step.start <= stuck.stuck_ns} == set(cut)
    least = Reduction(steps, 0, stuck.stuck_ns, 10_000).run()
    found = {history[step.number].id for step in least.steps}
    assert least.least
    assert unexplainable(history, found)
    assert not any(unexplainable(history, set(fewer)) for fewer in itertools.combinations(cut, len(found) - 1))


def can_follow(later, earlier, history):
    """Whether ``earlier`` can have left what ``later`` saw, with nothing that changes the balance in between."""
    between = (one for one in history if one.delta and one not in (earlier, later))
    return earlier.started_ns <= later.ended_ns and not any(
        earlier.ended_ns < one.started_ns and one.ended_ns < later.started_ns for one in between
    )


@given(misreported(7))
def test_of_operations_that_saw_one_balance_too_few_can_have_left_it(history):
    for disorder in check_order(history).disorders:
        if "saw a balance of" not in disorder.why:
            continue
        saw = {one.balance - one.delta for one in disorder.operations}
        assert len(saw) == 1
        stretch = stretch_of(history, disorder.operations[0])
        left = [one for one in stretch if one.balance in saw and one.delta]
        left += [stretch[0]] if stretch[0].balance in saw else []
        for size in range(1, len(disorder.operations) + 1):
            for some in itertools.combinations(disorder.operations, size):
                before = [one for one in left if any(can_follow(later, one, stretch) for later in some)]
                assert (len(before) < size) is (size == len(disorder.operations))


def stretch_of(history, operation):
    """What was done without a quiet moment in between, after one operation that left what had been there before."""
    steps = sorted(compile_steps(history), key=lambda step: (step.start, step.end))
    balance = 0
    for window in windows(steps):
        members = [history[step.number] for step in window]
        if operation in members:
            return [op("", "grant", 0, balance, -2, -1), *members]
        balance += sum(step.delta for step in window)
    raise AssertionError("the operation is not of the history")


HELD = {"of": "h", "held": 60}


def untimed(*operations):
    return [changed(one, started_ns=0, ended_ns=0) for one in operations]


def test_without_times_the_reported_order_is_checked_and_the_outcome_says_so():
    good = check(untimed(GRANT, HOLD))
    assert not good.disorders
    assert "No operation says when it happened" in good.doubts[0]
    bad = check(untimed(GRANT, HOLD, op("i", "hold", 30, 70, 0, 0)))
    assert [one.id for one in bad.disorders[0].operations] == ["i"]
    assert [one.id for one in bad.disorders[0].witnesses] == ["h"]
    late = check(untimed(GRANT, op("s", "release", 60, 160, 0, 0, **HELD), op("h", "hold", 60, 100, 0, 0)))
    assert [one.id for one in late.disorders[0].operations] == ["s", "h"]


def test_an_operation_without_times_may_have_happened_at_any_moment():
    outcome = check([GRANT, *untimed(HOLD), op("i", "grant", 1, 41, 5, 6)])
    assert not outcome.disorders
    assert outcome.doubts == ("1 operations do not say when they happened: any moment was allowed.",)


def test_a_search_that_is_cut_short_says_that_it_decided_nothing():
    balance, history = 1000, [op("g", "grant", 1000, 1000, 0, 1)]
    for amount in range(1, 9):
        history.append(op(f"h{amount}", "hold", amount, balance - amount, 5, 90))
        history.append(op(f"r{amount}", "release", amount, balance, 5, 90, of=f"h{amount}", held=amount))
    history += [op("a", "hold", 10, 40, 5, 90), op("b", "grant", 10, 50, 5, 90)]
    assert "Undecided: 18 operations" in check(history, states=30).doubts[0]
    decided = check(history)
    assert decided.disorders
    assert not decided.doubts


def test_a_balance_that_is_not_what_the_operations_add_up_to():
    (disorder,) = check([GRANT, HOLD], closing=41).disorders
    assert disorder.operations == ()
    assert str(disorder) == "From 0 the operations add up to 40; the balance is 41."
    assert check([HOLD], opening=100, closing=40).holds


def test_accounts_are_checked_alone_and_entries_are_operations():
    entry = Entry(id="g", kind=Kind.GRANT, amount=5, delta=5, balance=5, started_ns=1, ended_ns=2)
    outcomes = check_accounts({"good": [entry], "bad": [changed(Operation.of(entry), balance=6)], "empty": []})
    assert {account: outcome.holds for account, outcome in outcomes.items()} == {
        "good": True,
        "bad": False,
        "empty": True,
    }
