"""What a chat tells its provider's breaker when it is broken off."""

from types import SimpleNamespace

import pytest

from harness.backend.agent.breaker import Breaker, State
from harness.backend.agent.calls import AgentCalls
from harness.backend.clock import Clock
from harness.backend.flights import Flights
from harness.backend.upstream import Kind, UpstreamError


@pytest.mark.parametrize(("draining", "state"), [(False, State.OPEN), (True, State.CLOSED)])
def test_a_time_limit_is_held_against_the_provider_and_a_stop_is_not(draining, state):
    breaker = Breaker("mine", Clock(), failures=1, cool_down_s=60)
    calls = AgentCalls.__new__(AgentCalls)
    calls.flights, calls.breakers = Flights(), SimpleNamespace(of=lambda name: breaker)
    calls.flights.draining = draining
    chat = SimpleNamespace(
        pending=breaker.admit(),
        model=SimpleNamespace(provider=SimpleNamespace(name="mine")),
        record=SimpleNamespace(error=UpstreamError(Kind.TIMEOUT, "the call took longer than it may")),
    )
    calls.tell_breaker(chat)
    assert (breaker.state, chat.pending) == (state, None)
