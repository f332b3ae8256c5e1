"""Whether a provider is tried again, and after how long."""

from __future__ import annotations

import random

import httpx2

from harness.backend.upstream import UpstreamError

TRIES_MAX = 3


class Patience:
    """Tries again, at most ``TRIES_MAX`` times in all, where the provider closed its socket early.

    The first wait is ``first_s``, each further one twice the one before, each up to the share ``jitter`` longer so
    that callers who failed together do not come back together, none longer than ``longest_s``.
    """

    def __init__(self, seed: int = 0, *, first_s: float = 1.0, longest_s: float = 8.0, jitter: float = 0.25) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it spreads load, it keeps no secret
        self._first_s = first_s
        self._longest_s = longest_s
        self._jitter = jitter

    def again(self, tries: int, failure: UpstreamError) -> bool:
        """Whether there is another try after so many."""
        return tries < TRIES_MAX and self.closed_early(failure)

    def closed_early(self, failure: UpstreamError) -> bool:
        """Whether the provider closed a connection that was made, before its answer was whole."""
        return not failure.said and any(isinstance(one, _CLOSED) for one in _causes(failure))

    def wait_s(self, tries: int) -> float:
        """How long to wait after so many tries."""
        return float(
            min(self._longest_s, self._first_s * 2 ** (tries - 1) * (1 + self._jitter * self._random.random()))
        )


_CLOSED = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)


def _causes(failure: BaseException) -> list[BaseException]:
    """The exception and what it came of."""
    found: list[BaseException] = []
    one: BaseException | None = failure
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found
