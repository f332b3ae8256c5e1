"""What the decoders of several protocols share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from harness.contracts.upstream import Answer, Asked, Piece, Usage, is_json
from harness.core.recording import Exchange
from harness.framing.json import lenient


class Request(Protocol):
    """A decoded request whose system prompt stands beside its messages."""

    @property
    def model(self) -> str:
        """The model that was asked for."""

    @property
    def stream(self) -> bool:
        """Whether a stream was."""

    @property
    def max_tokens(self) -> int | None:
        """The limit, None where there is none."""

    @property
    def system(self) -> str:
        """The system prompt, empty where there is none."""


class Event(Protocol):
    """An event of a stream."""

    @property
    def index(self) -> int:
        """Its number, from 0."""

    @property
    def start(self) -> int:
        """Its first byte."""

    @property
    def end(self) -> int:
        """The byte behind its last."""

    @property
    def text(self) -> str:
        """The words in it."""


def asked_with_system(exchange: Exchange, request: Request, messages: tuple[tuple[str, str], ...]) -> Asked:
    """What was asked for, the system prompt as the first of the messages."""
    system = (("system", request.system),) if request.system else ()
    return Asked(
        model=request.model,
        stream=request.stream,
        messages=(*system, *messages),
        max_tokens=request.max_tokens,
        parameters=lenient(exchange.request.body),
    )


def whole(
    exchange: Exchange, *, answered: bool, text: str, usage: Usage | None, finish_reasons: tuple[str, ...]
) -> Answer:
    """An answer in one piece."""
    return Answer(
        readable=is_json(exchange),
        answered=answered,
        ended=True,
        text=text,
        usage=usage,
        finish_reasons=finish_reasons,
    )


def pieces_of(events: Iterable[Event]) -> tuple[Piece, ...]:
    """The events that have words in them."""
    return tuple(Piece(event.index, event.start, event.end) for event in events if event.text)


def translate(reasons: Iterable[str], words: Mapping[str, str]) -> tuple[str, ...]:
    """Finish reasons in the words of OpenAI's protocol; one that it has no word for stays as it is."""
    return tuple(words.get(reason, reason) for reason in reasons)


def path_of(url: str) -> str:
    """A URL from its path on."""
    return "/" + url.partition("://")[2].partition("/")[2]
