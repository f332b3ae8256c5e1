"""Loads that are put on a target twice, so that what each call leaves behind can be counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from harness.core.user import User

from .stage import Stage

LEAK_ROUNDS = 8
"""Calls of one load."""


async def loaded_twice(stage: Stage, user: User, one: Callable[[], Awaitable[bool]]) -> None:
    """Count the target's resources after each of two like loads. Where a call gives False there is no use in more."""
    for name in ("resources-before", "resources-after"):
        for _ in range(LEAK_ROUNDS):
            if not await one():
                await stage.settle(user)
                return
        await stage.settle(user)
        await stage.resources(name)
