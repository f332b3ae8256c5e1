"""Requests that must be refused in the same way by every system that takes JSON and tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from harness.core.user import User
from harness.endpoints.http import Answer

from .bodies import BAD_TOKENS, ODD_BODIES, bad_bytes
from .stage import Prompt, Stage

Body = Callable[[Prompt], Mapping[str, Any]]
"""Makes a good body."""


class Send(Protocol):
    """POSTs bytes, right or wrong."""

    async def __call__(self, raw: bytes, *, tie: str | None = None) -> Answer:
        """The answer."""


async def send_bad_input(
    stage: Stage, body: Body, send: Send, fields: Mapping[str, tuple[str, Mapping[str, Any]]], text_field: str
) -> None:
    """One request of each bad kind; the mark ``bad-input`` says which is which.

    ``fields``: kind -> (the field that the answer must name, what to put into a good body; None takes the field
    away). ``text_field`` is the field that broken bytes have.
    """
    for kind, (field, change) in fields.items():
        prompt = stage.prompt()
        changed = {key: value for key, value in {**body(prompt), **change}.items() if value is not None}
        stage.mark("bad-input", {"tie": prompt.tie, "kind": kind, "field": field})
        await send(json.dumps(changed).encode(), tie=prompt.tie)
    good = json.dumps(body(stage.prompt())).encode()
    for kind, raw in bad_bytes(good, text_field).items():
        prompt = stage.prompt()
        stage.mark("bad-input", {"tie": prompt.tie, "kind": kind, "field": None})
        await send(raw, tie=prompt.tie)


async def send_odd_input(stage: Stage, body: Body, send: Send) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served."""
    for odd in ODD_BODIES:
        prompt = stage.prompt()
        made = body(Prompt(odd.text(prompt.text), prompt.tie))
        stage.mark("odd-input", {"tie": prompt.tie, "kind": odd.kind, "accept": odd.unknown})
        await send(odd.raw(made), tie=prompt.tie)


def bad_tokens(stage: Stage, user: User) -> Iterator[tuple[Prompt, str | None]]:
    """A prompt for each kind of bad token, and one for none; the mark ``bad-token`` says which is which."""
    for kind in ("missing", *BAD_TOKENS):
        prompt = stage.prompt()
        token = None if kind == "missing" else stage.target.token(kind, user.id or "")
        stage.mark("bad-token", {"tie": prompt.tie, "kind": kind})
        yield prompt, token
