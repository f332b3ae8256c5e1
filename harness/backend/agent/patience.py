"""Whether a provider is tried again, and after how long."""

from __future__ import annotations

import random

import httpx2

from harness.backend.upstream import UpstreamError

TRIES_MAX = 3
FIRST_S = 1.0
CAP_S = 8.0
JITTER_SHARE = 0.25


class Patience:
    """Tries again, at most ``TRIES_MAX`` times in all, where the provider closed its socket early.

    The waits are 1 s, 2 s, ... doubled each time, each up to a quarter longer so that callers who failed together do
    not come back together, never above 8 s.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it spreads load, it keeps no secret

    def again(self, tries: int, failure: UpstreamError) -> bool:
        """Whether there is another try after so many."""
        return tries < TRIES_MAX and self.closed_early(failure)

    def closed_early(self, failure: UpstreamError) -> bool:
        """Whether the provider closed a connection that was made, before its answer was whole."""
        return not failure.said and any(isinstance(one, _CLOSED) for one in _causes(failure))

    def wait_s(self, tries: int) -> float:
        """How long to wait after so many tries."""
        return float(min(CAP_S, FIRST_S * 2 ** (tries - 1) * (1 + JITTER_SHARE * self._random.random())))


_CLOSED = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)


def _causes(failure: BaseException) -> list[BaseException]:
    """The exception and what it came of."""
    found: list[BaseException] = []
    one: BaseException | None = failure
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found
