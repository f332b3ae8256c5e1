"""Changes to one place of a JSON document, which mutations are made of: a path, and what becomes of what is there."""

from __future__ import annotations

from collections.abc import Callable

from harness.core.recording import Json

Edit = Callable[[Json], object]
Step = str | int


def put(*path: Step, to: Json) -> Edit:
    """Another value at a place, or a new one."""

    def edit(document: Json) -> None:
        _holder(document, path)[path[-1]] = to

    return edit


def drop(*path: Step) -> Edit:
    """Nothing at a place."""
    return lambda document: _holder(document, path).pop(path[-1])


def one_more(*path: Step) -> Edit:
    """A number, and one more."""

    def edit(document: Json) -> None:
        _holder(document, path)[path[-1]] += 1

    return edit


def _holder(document: Json, path: tuple[Step, ...]) -> Json:
    """What holds the place at the end of a path."""
    for step in path[:-1]:
        document = document[step]
    return document
