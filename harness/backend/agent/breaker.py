"""Circuit breakers: a provider that keeps failing is left alone for a time, then asked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.backend.clock import Clock
from harness.backend.upstream import Kind, UpstreamError

ANSWERS = frozenset({Kind.AUTH, Kind.NOT_FOUND, Kind.REFUSED, Kind.RATE_LIMITED})
"""What a provider that is well may say: the fault is in what it was asked, or how often."""


class State(StrEnum):
    """What a breaker lets through: everything, nothing, or one try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitOpen(Exception):
    """The provider is not asked now. ``retry_s`` is how long the breaker stays open; 0: a probe is under way."""

    def __init__(self, provider: str, retry_s: float) -> None:
        self.provider = provider
        self.retry_s = retry_s
        super().__init__(f"the breaker of {provider} is open")


@dataclass(slots=True, eq=False)
class Permit:
    """Leave for one try. ``era`` counts the breaker's openings and closings: what began in another era says nothing."""

    era: int
    probe: bool = False


class Breaker:
    """One provider's. Opens after ``failures`` in a row; after ``cool_down_s`` lets exactly one try through.

    That probe closes it or opens it for another ``cool_down_s``; one that is broken off by its client lets another
    try be the probe. A try that began before the breaker changed no longer counts.
    """

    def __init__(self, provider: str, clock: Clock, *, failures: int, cool_down_s: float) -> None:
        self.provider = provider
        self.failures = failures
        self.cool_down_s = cool_down_s
        self.clock = clock
        self.in_a_row = 0
        self.era = 0
        self.open_until_s: float | None = None
        self.probe: Permit | None = None

    @property
    def state(self) -> State:
        """What it is now."""
        if self.open_until_s is None:
            return State.CLOSED
        return State.HALF_OPEN if self.cooled() else State.OPEN

    def cooled(self) -> bool:
        """Whether the cool-down is over."""
        return self.open_until_s is not None and self.clock.now_s() >= self.open_until_s

    def admit(self) -> Permit:
        """Leave for a try. Raises CircuitOpen."""
        state = self.state
        if state is State.CLOSED:
            return Permit(self.era)
        if state is State.OPEN or self.probing():
            raise CircuitOpen(self.provider, self.left_s())
        self.probe = Permit(self.era, probe=True)
        return self.probe

    def probing(self) -> bool:
        """Whether the one probe is under way."""
        return self.probe is not None

    def left_s(self) -> float:
        """How long it stays open."""
        return max(0.0, (self.open_until_s or 0.0) - self.clock.now_s())

    def failed(self, permit: Permit, failure: UpstreamError) -> None:
        """The try failed; whether that is held against the provider depends on how."""
        if failure.kind in ANSWERS:
            if failure.asked:
                self.succeeded(permit)
            else:
                self.abandoned(permit)  # somebody else said so, and the provider nothing
        elif permit.era == self.era:
            self.in_a_row += 1
            if permit.probe or self.in_a_row >= self.failures:
                self.open()

    def succeeded(self, permit: Permit) -> None:
        """The provider did its part."""
        if permit.era == self.era:
            self.in_a_row = 0
            if permit.probe:
                self.close()

    def abandoned(self, permit: Permit) -> None:
        """The try was broken off: it says nothing of the provider."""
        if self.probe is permit:
            self.probe = None

    def open(self) -> None:
        """Ask nothing for a time."""
        self.era += 1
        self.probe = None
        self.open_until_s = self.clock.now_s() + self.cool_down_s

    def close(self) -> None:
        """Ask as before."""
        self.era += 1
        self.in_a_row = 0
        self.probe = None
        self.open_until_s = None


class Breakers:
    """The breakers of all providers, each its own."""

    def __init__(self, kind: type[Breaker], clock: Clock, *, failures: int, cool_down_s: float) -> None:
        self._kind = kind
        self._clock = clock
        self._failures = failures
        self._cool_down_s = cool_down_s
        self._breakers: dict[str, Breaker] = {}

    def of(self, provider: str) -> Breaker:
        """The breaker of this provider, the same one each time."""
        if provider not in self._breakers:
            self._breakers[provider] = self._kind(
                provider, self._clock, failures=self._failures, cool_down_s=self._cool_down_s
            )
        return self._breakers[provider]

    def states(self) -> Mapping[str, str]:
        """Provider -> what its breaker is."""
        return {name: breaker.state.value for name, breaker in self._breakers.items()}
