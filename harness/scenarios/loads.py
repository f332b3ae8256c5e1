"""Loads that are put on a target twice, so that what each call leaves behind can be counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from harness.core.user import User

from .stage import Stage

LEAK_ROUNDS = 8
"""Calls of one load."""
KINDS = "kinds"
"""The mark that says of how many kinds the calls of a load are, where they are of several and take turns."""


async def loaded_twice(
    stage: Stage, user: User, *kinds: Callable[[], Awaitable[bool]], rounds: int = LEAK_ROUNDS
) -> None:
    """Count the target's resources after each of two like loads. Where a call gives False there is no use in more.

    A call's gates are gone when the next one comes.
    """
    if len(kinds) > 1:
        stage.mark(KINDS, {"kinds": len(kinds)})
    for name in ("resources-before", "resources-after"):
        for number in range(rounds):
            well = await kinds[number % len(kinds)]()
            stage.script.gates.clear()
            if not well:
                await stage.settle(user)
                return
        await stage.settle(user)
        await stage.resources(name)
