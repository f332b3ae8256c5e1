"""When a breaker opens, what it lets through, and when it closes again."""

import pytest

from harness.backend.agent.breaker import Breaker, Breakers, CircuitOpen, State
from harness.backend.clock import SkippingClock
from harness.backend.upstream import Kind, UpstreamError

DOWN = UpstreamError(Kind.UNAVAILABLE, "down")


class Still(SkippingClock):
    """Time that passes only when it is told to."""

    def now_s(self):
        return self._ahead_s


@pytest.fixture
def clock():
    return Still()


@pytest.fixture
def breaker(clock):
    return Breaker("p", clock, failures=5, cool_down_s=30)


def fail(breaker, times=1):
    for _ in range(times):
        breaker.failed(breaker.admit(), DOWN)


def test_it_opens_after_five_failures_in_a_row_and_not_before(breaker):
    fail(breaker, 4)
    breaker.succeeded(breaker.admit())
    fail(breaker, 4)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.OPEN
    with pytest.raises(CircuitOpen) as refused:
        breaker.admit()
    assert refused.value.retry_s == 30


@pytest.mark.parametrize("kind", [Kind.AUTH, Kind.NOT_FOUND, Kind.REFUSED, Kind.RATE_LIMITED])
def test_an_answer_about_the_request_is_no_failure_of_the_provider(breaker, kind):
    fail(breaker, 4)
    breaker.failed(breaker.admit(), UpstreamError(kind, "no"))
    fail(breaker, 4)
    assert breaker.state is State.CLOSED


def test_after_the_cool_down_one_probe_is_let_through_and_closes_it(breaker, clock):
    fail(breaker, 5)
    clock.advance(29.9)
    assert breaker.state is State.OPEN
    clock.advance(0.1)
    assert breaker.state is State.HALF_OPEN
    probe = breaker.admit()
    with pytest.raises(CircuitOpen):
        breaker.admit()
    breaker.succeeded(probe)
    assert breaker.state is State.CLOSED
    fail(breaker, 4)
    assert breaker.state is State.CLOSED


def test_a_probe_that_fails_opens_it_for_another_cool_down(breaker, clock):
    fail(breaker, 5)
    clock.advance(30)
    fail(breaker)
    assert breaker.state is State.OPEN
    clock.advance(30)
    assert breaker.state is State.HALF_OPEN


def test_a_probe_that_its_client_breaks_off_makes_room_for_another(breaker, clock):
    fail(breaker, 5)
    clock.advance(30)
    breaker.abandoned(breaker.admit())
    breaker.succeeded(breaker.admit())
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("kind", [Kind.AUTH, Kind.RATE_LIMITED])
def test_who_refuses_before_the_provider_is_asked_says_nothing_of_it(breaker, clock, kind):
    fail(breaker, 4)
    breaker.failed(breaker.admit(), UpstreamError(kind, "no token", asked=False))
    fail(breaker)
    assert breaker.state is State.OPEN
    clock.advance(30)
    breaker.failed(breaker.admit(), UpstreamError(kind, "no token", asked=False))
    assert breaker.state is State.HALF_OPEN
    breaker.failed(breaker.admit(), UpstreamError(kind, "no"))
    assert breaker.state is State.CLOSED


def test_what_began_before_it_changed_no_longer_counts(breaker, clock):
    late, later = breaker.admit(), breaker.admit()
    fail(breaker, 5)
    breaker.succeeded(late)
    assert breaker.state is State.OPEN
    clock.advance(30)
    breaker.failed(later, DOWN)
    assert breaker.state is State.HALF_OPEN
    breaker.abandoned(later)
    breaker.succeeded(breaker.admit())
    assert breaker.state is State.CLOSED


def test_each_provider_has_its_own(clock):
    breakers = Breakers(Breaker, clock, failures=1, cool_down_s=30)
    fail(breakers.of("a"))
    assert breakers.of("b").state is State.CLOSED
    assert breakers.of("a") is breakers.of("a")
