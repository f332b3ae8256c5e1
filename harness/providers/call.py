"""What a provider makes of a request: the call's name and tag, and how to answer it. Each protocol has one receiver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from harness.core.fault import Fault
from harness.core.recording import Headers, Request

from .plan import Plan
from .reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What an answer depends on beside its request.

    ``reply`` is what the model is to say, None for the usual; ``attempt`` counts the requests with the same tag
    from 0; ``now_s`` is the time of day in seconds since 1970. ``earlier`` are the requests of the same thread that
    came before, oldest first; ``first`` is the first of those with the same tag (None: this one is).
    """

    fault: Fault
    reply: Reply | None = None
    attempt: int = 0
    now_s: float = 0.0
    first: Request | None = None
    earlier: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A request as its protocol understands it. ``tie`` is the tag in its prompt, where there is one.

    ``owner`` is whom the request says it is made for (the id of the target's user, say): it finds the case of a
    request that has no prompt, such as a poll. ``thread`` is what it goes on with, where a protocol takes several
    requests to one answer: those that have no prompt are tied by the one of their thread that has.
    """

    operation: str
    tie: str | None
    answer: Callable[[Circumstances], Plan]
    owner: str | None = None
    thread: str | None = None


def bearer(value: str) -> str | None:
    """The token of an Authorization field's value; None where its scheme is another, or it has none.

    RFC 9110 section 11.1: the scheme is a token of its own, in either case; RFC 6750 section 2.1: it is ``Bearer``.
    """
    scheme, _, token = value.strip().partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


class Receiver(Protocol):
    """Understands the requests of one provider. Takes any bytes: nonsense gets the provider's own refusal."""

    def __call__(self, method: str, path: str, headers: Headers, body: bytes) -> Call:
        """The call that a request makes."""
