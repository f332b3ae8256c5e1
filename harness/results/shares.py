"""Whose time it was. A call is seen from both sides of the target on one clock, so that what the target adds can be
told from what the provider took: before + provider + after is the client's time to first content, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.recording import Exchange, Recording, Side

from .latency import MS, CallTimes, first_content_ns


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of a client's time to first content, in milliseconds.

    ``before`` runs from the client's request to the request that the provider saw; where there were several attempts,
    to the last, so the earlier ones are in it. ``provider`` runs to the provider's first content sent, ``after``
    from there to the client's first content. The last two are None where that content never was.
    """

    before_ms: float
    provider_ms: float | None
    after_ms: float | None

    @property
    def target_share(self) -> float | None:
        """The target's part of the whole, 0 to 1."""
        if self.provider_ms is None or self.after_ms is None:
            return None
        whole_ms = self.before_ms + self.provider_ms + self.after_ms
        return (self.before_ms + self.after_ms) / whole_ms if whole_ms > 0 else None


def upstreams(recording: Recording) -> Mapping[str, tuple[Exchange, ...]]:
    """The provider exchanges that each client exchange caused, by the client exchange's id.

    They carry the same tag. One prompt sent several times: each call has the provider traffic from when it was sent
    until the next with the same prompt was.
    """
    clients = [one for one in recording.side(Side.CLIENT) if one.tie is not None]
    providers = list(recording.side(Side.PROVIDER))
    return {one.id: _caused(one, [c for c in clients if c.tie == one.tie], providers) for one in clients}


def shares(client: Exchange, times: CallTimes, upstream: Exchange, upstream_times: CallTimes) -> Shares:
    """The parts of one call, by the provider exchange that answered it."""
    before_ms = (upstream.request.sent_ns - client.request.sent_ns) / MS
    sent_ns = first_content_ns(upstream, upstream_times)
    read_ns = first_content_ns(client, times)
    return Shares(
        before_ms,
        None if sent_ns is None else (sent_ns - upstream.request.sent_ns) / MS,
        None if sent_ns is None or read_ns is None else (read_ns - sent_ns) / MS,
    )


def _caused(client: Exchange, same: Sequence[Exchange], providers: Sequence[Exchange]) -> tuple[Exchange, ...]:
    sent_ns = client.request.sent_ns
    later = [other.request.sent_ns for other in same if other.request.sent_ns > sent_ns]
    until_ns = min(later, default=None)
    return tuple(
        one
        for one in providers
        if one.tie == client.tie
        and (
            len(same) == 1 or (sent_ns <= one.request.sent_ns and (until_ns is None or one.request.sent_ns < until_ns))
        )
    )
