"""What the streams of all protocols in an event stream's frames have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

ERROR = "error"
"""The kind of an event that says in band that something failed, in every protocol."""


class Told(Protocol):
    """An event as its protocol reads it."""

    @property
    def kind(self) -> str:
        """What it is, in the protocol's words."""

    @property
    def text(self) -> str:
        """What it adds to the answer's text."""


E = TypeVar("E", bound=Told)


@dataclass(frozen=True, slots=True)
class Streamed(Generic[E]):
    """A streamed answer as far as it came. ``comments`` and ``strays`` are (offset, text); see ``framing.sse``."""

    events: tuple[E, ...]
    comments: tuple[tuple[int, str], ...] = ()
    strays: tuple[tuple[int, str], ...] = ()
    tail: bytes = b""

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join([event.text for event in self.events])

    @property
    def content_events(self) -> tuple[E, ...]:
        """The events that hold some of the text."""
        return tuple([event for event in self.events if event.text])

    @property
    def errors(self) -> tuple[E, ...]:
        """The events that say in band that something failed."""
        return tuple([event for event in self.events if event.kind == ERROR])
