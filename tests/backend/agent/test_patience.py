"""How often and after how long a provider is tried again."""

import httpx2
import pytest

from harness.backend.agent.patience import Patience
from harness.backend.upstream import Kind, UpstreamError


def broken(cause, **more):
    failure = UpstreamError(Kind.INCOMPLETE, "broke off", **more)
    failure.__cause__ = RuntimeError("a library's own")
    failure.__cause__.__context__ = cause
    return failure


@pytest.mark.parametrize("cause", [httpx2.ReadError("x"), httpx2.WriteError("x"), httpx2.RemoteProtocolError("x")])
def test_a_socket_that_was_closed_early_is_tried_three_times_in_all(cause):
    patience = Patience()
    assert [patience.again(tries, broken(cause)) for tries in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("cause", [httpx2.ConnectError("x"), httpx2.ReadTimeout("x"), None])
def test_nothing_else_is_tried_again(cause):
    assert not Patience().again(1, broken(cause))


def test_what_the_provider_said_itself_is_not_tried_again():
    assert not Patience().again(1, broken(httpx2.ReadError("x"), said=True))


def test_waits_double_and_are_up_to_a_quarter_longer_and_capped():
    patience = Patience(seed=7)
    for tries, least in ((1, 1.0), (2, 2.0), (3, 4.0)):
        waits = [patience.wait_s(tries) for _ in range(50)]
        assert least <= min(waits) < max(waits) <= least * 1.25
    assert {patience.wait_s(tries) for tries in (4, 5, 30)} == {8.0}


def test_the_same_seed_waits_the_same():
    assert [Patience(3).wait_s(1) for _ in range(2)] == [Patience(3).wait_s(1)] * 2


def test_how_long_the_waits_are_can_be_said():
    patience = Patience(first_s=0.5, longest_s=1.5, jitter=0.5)
    assert all(0.5 <= patience.wait_s(1) <= 0.75 for _ in range(50))
    assert max(patience.wait_s(1) for _ in range(50)) > 0.5 * 1.25
    assert patience.wait_s(3) == 1.5
    assert [Patience(first_s=3, jitter=0).wait_s(tries) for tries in (1, 2, 3)] == [3, 6, 8]
