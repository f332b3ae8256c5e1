"""A recording: the evidence of one scenario, both sides of the target on one monotonic clock.

All times are integer nanoseconds since the recording's start (``*_ns``). All bodies are bytes, after transfer
decoding and before any content decoding. Everything here is immutable; ``core.draft`` builds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

Json = Any
"""What a JSON document decodes to."""

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order, names as sent, repeats kept."""

T = TypeVar("T")

NO_FAULT = "none"

LONG_BODY_BYTES = 64 * 1024
"""Of a request body longer than this only so much is kept, with a note of what the whole was."""

STILL_OPEN = "still open when the recording ended"
"""The ``error`` of an exchange that had not ended yet."""


class Side(StrEnum):
    """Whose traffic an exchange is: the client's, the provider's, or that of a service beside the target."""

    CLIENT = "client"
    PROVIDER = "provider"
    SERVICE = "service"


class Ending(StrEnum):
    """How an exchange ended, as the recording side saw it."""

    EOF = "eof"  # the message is complete by HTTP's own framing
    FIN = "fin"  # the peer closed the connection before the message was complete
    RESET = "reset"  # the connection was reset before the message was complete
    TIMEOUT = "timeout"  # the caller's own time limit ended it
    CLIENT_CLOSE = "client-close"  # the caller left
    CONNECT_ERROR = "connect-error"  # no connection was made


class Source(StrEnum):
    """What a recording was made from. Nothing simulated is passed off as real."""

    SIMULATOR = "simulator"  # our provider simulator stood behind the target
    PROVIDER = "provider"  # a real provider answered
    THIRD_PARTY = "third-party"  # recorded by somebody else


class Fidelity(StrEnum):
    """How close a body is to what went over the wire."""

    WIRE = "wire"  # the bytes, with their segments and times
    BODY = "body"  # the body's bytes, boundaries and times unknown
    NORMALIZED = "normalized"  # parsed and written again by its recorder: only the values can be judged


@dataclass(frozen=True, slots=True)
class Segment:
    """One arrival: the body's bytes up to ``end`` (exclusive; from the segment before) were there at ``at_ns``."""

    end: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Whole:
    """What a body was of which only the beginning is kept: its length in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


def shortened(body: bytes) -> tuple[bytes, Whole | None]:
    """As much of a request body as is kept, and what the whole was where that is not all of it."""
    if len(body) <= LONG_BODY_BYTES:
        return body, None
    return body[:LONG_BODY_BYTES], Whole(len(body), hashlib.sha256(body).hexdigest())


@dataclass(frozen=True, slots=True)
class Request:
    """A request as sent. ``sent_ns`` is when its first byte left. With ``whole``, ``body`` is only the beginning."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    sent_ns: int = 0
    whole: Whole | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header field, names compared without case; None where absent."""
        return _first(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """A response as far as it came. ``at_ns`` is when its header section was complete."""

    status: int
    reason: str = ""
    headers: Headers = ()
    at_ns: int = 0
    body: bytes = b""
    segments: tuple[Segment, ...] = ()

    def header(self, name: str) -> str | None:
        """The first value of a header field, names compared without case; None where absent."""
        return _first(self.headers, name)

    def at(self, offset: int) -> int:
        """When the body's byte at ``offset`` arrived; the time of the headers where segments are not known."""
        for segment in self.segments:
            if offset < segment.end:
                return segment.at_ns
        return self.segments[-1].at_ns if self.segments else self.at_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came of it.

    ``tie`` is the tag that the scenario put into the prompt (``<case token>.<number>``): a client exchange and the
    provider exchanges it caused carry the same one. ``error`` is the caller's or the operating system's words.
    """

    id: str
    side: Side
    operation: str
    request: Request
    response: Response | None
    ending: Ending
    ended_ns: int
    tie: str | None = None
    provider: str | None = None
    error: str | None = None
    fidelity: Fidelity = Fidelity.WIRE

    @property
    def status(self) -> int | None:
        """The status code, or None where no response came."""
        return self.response.status if self.response else None

    @property
    def body(self) -> bytes:
        """The response body as far as it came."""
        return self.response.body if self.response else b""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the target showed of itself: ``name`` (``ledger``, ``log``, ``resources``, ...), when, and the data."""

    name: str
    at_ns: int
    data: Json


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that the scenario did or saw at a time, by name."""

    name: str
    at_ns: int
    data: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a judge needs to know beside the evidence. Judging needs nothing else.

    ``facts`` are the target's promises by its profile (models, prices, limits) for the system under test;
    ``capabilities`` what the target lets us see; ``asked`` what the scenario was told to do;
    ``void`` the harness's own failure, where there was one: nothing in a void recording is judged.
    """

    source: Source
    recorder: str = ""
    recorded_at: str = ""
    system: str | None = None
    target: str | None = None
    scenario: str | None = None
    provider: str | None = None
    fault: str = NO_FAULT
    defect: str | None = None
    seed: int = 0
    capabilities: frozenset[str] = frozenset()
    facts: Mapping[str, Json] = field(default_factory=dict)
    asked: Mapping[str, Json] = field(default_factory=dict)
    void: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The evidence of one scenario. ``name`` says where it came from (a path or a case), for messages only."""

    header: Header
    exchanges: tuple[Exchange, ...] = ()
    probes: tuple[Probe, ...] = ()
    marks: tuple[Mark, ...] = ()
    name: str = ""
    _memo: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def side(self, side: Side) -> Iterator[Exchange]:
        """The exchanges of one side, by the time they were sent."""
        return (exchange for exchange in self.exchanges if exchange.side is side)

    def probe(self, name: str) -> Probe | None:
        """The last probe of that name."""
        return next((probe for probe in reversed(self.probes) if probe.name == name), None)

    def mark(self, name: str) -> Mark | None:
        """The first mark of that name."""
        return next((mark for mark in self.marks if mark.name == name), None)

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, computed once for this recording: many contracts read the same decoded stream."""
        if key not in self._memo:
            self._memo[key] = make()
        found: T = self._memo[key]
        return found


def _first(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
