"""How long the checker of ledger histories takes: ``python benchmarks/history.py``.

Clients of one account hold and then settle, each operation in an interval around the moment at which it took effect.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from timing import Figure, seconds, table

from harness.core.history import check_accounts
from harness.core.operation import Operation

RUNS = 5
LOADS = (  # accounts, operations on each, clients at once, different prices
    (100, 100, 1, 200),
    (100, 100, 5, 200),
    (100, 100, 30, 200),
    (100, 100, 30, 5),
    (100, 100, 30, 1),
    (1, 10_000, 30, 200),
)


def moments(rng: random.Random, operations: int, clients: int) -> list[tuple[int, int, int, int]]:
    """(moment, client, start, end) in nanoseconds, by moment; a client does one operation after the other."""
    found = []
    for client in range(clients):
        now = 0
        for _ in range(max(2, operations // clients)):
            start = now + rng.randrange(1_000, 100_000)
            now = start + rng.randrange(200_000, 2_000_000)
            found.append((rng.randrange(start, now + 1), client, start, now))
    return sorted(found)


def history(rng: random.Random, operations: int, clients: int, prices: int) -> Iterator[Operation]:
    """What a right account reports."""
    balance, held = 1_000_000, dict[int, tuple[str, int]]()
    yield Operation(
        id="grant", kind="grant", amount=balance, delta=balance, balance=balance, started_ns=-2, ended_ns=-1
    )
    for number, (_, client, start, end) in enumerate(moments(rng, operations, clients)):
        hold_id, amount = held.pop(client, (None, rng.randint(1, prices)))
        charged = rng.randint(0, amount)
        kind, delta = ("hold", -amount) if hold_id is None else ("settle", amount - charged)
        balance += delta
        if hold_id is None:
            held[client] = (str(number), amount)
        yield Operation(
            id=str(number),
            kind=kind,
            amount=amount if hold_id is None else charged,
            delta=delta,
            balance=balance,
            hold_id=hold_id,
            started_ns=start,
            ended_ns=end,
        )


def measure(accounts: int, operations: int, clients: int, prices: int) -> Figure:
    rng = random.Random(1)  # noqa: S311 - the same load every time
    histories = {str(name): list(history(rng, operations, clients, prices)) for name in range(accounts)}
    total = sum(len(one) for one in histories.values())
    in_order = sum(outcome.holds for outcome in check_accounts(histories).values())
    name = f"{total:,} operations of {accounts} accounts, {clients} at once, {prices} prices; {in_order} in order"
    return Figure(name, "s", seconds(lambda: check_accounts(histories), RUNS))


def main() -> None:
    table(*(measure(*load) for load in LOADS))


if __name__ == "__main__":
    main()
