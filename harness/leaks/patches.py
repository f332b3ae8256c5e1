"""Put functions in the place of others for a while, and put the others back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Patches:
    """What was replaced, undone in reverse order.

    What somebody else has put on top in the meantime stays: the replacement below it must be harmless for ever.
    """

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, object, object]] = []

    def put(self, owner: Any, name: str, make: Callable[[Any], object]) -> None:
        """Replace ``owner.name`` by ``make(owner.name)``."""
        before = vars(owner).get(name, _ABSENT)
        after = make(getattr(owner, name))
        setattr(owner, name, after)
        self._done.append((owner, name, before, after))

    def undo(self) -> None:
        """Put everything back."""
        while self._done:
            owner, name, before, after = self._done.pop()
            if vars(owner).get(name) is not after:
                continue
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
