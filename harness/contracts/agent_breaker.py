"""What a circuit breaker lets through, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.systems import agent

from .breaker_model import Phase, State, phase_at, phases
from .calls import ChatCall, chat_calls
from .registry import Findings, contract
from .scope import AGENT

PROVIDER = (Capability.PROVIDER,)


@dataclass(frozen=True)
class Turn:
    """A chat, and what the breaker had to be when it was sent."""

    call: ChatCall
    phase: Phase


def _turns(recording: Recording) -> Iterator[Turn]:
    """The chats of recordings in which a breaker had to open, or did.

    Those that their client left, and those that were refused for what they asked, say nothing of a breaker.
    """
    made = chat_calls(recording)
    if not any(phase.opened for phase in phases(recording)) and not any(map(_stopped, made)):
        return
    for call in made:
        phase = phase_at(recording, call.client.request.sent_ns)
        if phase is not None and not call.left and (call.upstreams or (call.client.status or 0) not in range(400, 500)):
            yield Turn(call, phase)


def _stopped(call: ChatCall) -> bool:
    """Whether the client was told that a breaker is open."""
    return call.code == agent.CIRCUIT_OPEN.code


def _while_open(recording: Recording) -> list[Turn]:
    return [turn for turn in _turns(recording) if turn.phase.state is State.OPEN]


def _beside_the_probe(recording: Recording) -> list[Turn]:
    return [t for t in _turns(recording) if t.phase.state is State.HALF_OPEN and t.phase.probe_ns is not None]


def _as_the_probe(recording: Recording) -> list[Turn]:
    return [t for t in _turns(recording) if t.phase.state is State.HALF_OPEN and t.phase.probe_ns is None]


def _before_it_opened(recording: Recording) -> list[Turn]:
    return [t for t in _turns(recording) if t.phase.state is State.CLOSED and not t.phase.opened]


def _once_it_closed(recording: Recording) -> list[Turn]:
    return [t for t in _turns(recording) if t.phase.state is State.CLOSED and t.phase.opened]


@contract(
    "resilience.breaker-opens",
    select=_while_open,
    systems=AGENT,
    needs=PROVIDER,
    source="house: a breaker opens after 5 failures in a row, and fails fast while open",
    breakers=("agent-breaker-never-opens", "retries-provider"),
)
def breaker_opens(turn: Turn, _recording: Recording) -> Findings:
    """After five failures in a row the provider is left alone for the cool-down.

    Without it every client waits for its own time-out, and a provider that tries to come up is kept down by its
    callers.
    """
    if turn.call.upstreams:
        yield turn.call.violation("The breaker had to be open, and the provider was asked.")


@contract(
    "resilience.breaker-one-probe",
    select=_beside_the_probe,
    systems=AGENT,
    needs=PROVIDER,
    source="house: exactly one probe while half open",
    breakers=("agent-breaker-half-open-floods", "agent-breaker-never-opens"),
)
def breaker_one_probe(turn: Turn, _recording: Recording) -> Findings:
    """While one call tries whether the provider is back, no other reaches it.

    All callers at once, in the moment that it is back, are what brought it down.
    """
    if turn.call.upstreams:
        yield turn.call.violation("A probe was under way, and the provider was asked by another call.")


def _must_ask(turn: Turn, why: str) -> Findings:
    if not turn.call.upstreams:
        yield turn.call.violation(f"{why}, and the provider was not asked.")


@contract(
    "resilience.breaker-asks-again",
    select=_as_the_probe,
    systems=AGENT,
    needs=PROVIDER,
    source="house: after the cool-down one probe is let through",
    breakers=("agent-breaker-never-half-opens",),
)
def breaker_asks_again(turn: Turn, _recording: Recording) -> Findings:
    """Once the cool-down is over, the next call asks the provider."""
    yield from _must_ask(turn, "The cool-down was over")


@contract(
    "resilience.breaker-closes",
    select=_once_it_closed,
    systems=AGENT,
    needs=PROVIDER,
    source="house: a probe that is well closes the breaker",
    breakers=("agent-breaker-never-closes",),
)
def breaker_closes(turn: Turn, _recording: Recording) -> Findings:
    """Once a probe was well, every call reaches the provider again: an outage ends when it is over."""
    yield from _must_ask(turn, "A probe was well")


@contract(
    "resilience.breaker-counts-in-a-row",
    select=_before_it_opened,
    systems=AGENT,
    needs=PROVIDER,
    source="house: 5 failures in a row, and no fewer",
    breakers=("agent-breaker-counts-all",),
)
def breaker_counts_in_a_row(turn: Turn, _recording: Recording) -> Findings:
    """A provider that fails now and then is asked: only failures in a row open the breaker.

    Counted without end, any provider is shut off after a while, however well it is.
    """
    yield from _must_ask(turn, f"There were {turn.phase.in_a_row} failures in a row")


def _refused(recording: Recording) -> list[Turn]:
    return [turn for turn in _turns(recording) if not turn.call.upstreams]


@contract(
    "errors.circuit-open",
    select=_refused,
    systems=AGENT,
    needs=PROVIDER,
    source="house: 503 provider_circuit_open",
    breakers=("agent-circuit-open-generic",),
)
def circuit_open(turn: Turn, _recording: Recording) -> Findings:
    """A call that an open breaker stopped is told so: 503 `provider_circuit_open`.

    Its caller can then tell a provider that is being spared from one that has just failed, and need not try again.
    """
    wanted = agent.CIRCUIT_OPEN
    if (turn.call.client.status, turn.call.code) != (wanted.status, wanted.code):
        yield turn.call.violation(
            f"The provider was not asked; the client read {turn.call.client.status} {turn.call.code}, "
            f"not {wanted.status} {wanted.code}."
        )
