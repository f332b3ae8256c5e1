"""Whose time it was. A call is seen from both sides of the target on one clock, so that what the target adds can be
told from what others took: before + others + provider + after is the client's time to first content, exactly.

Others are all that the target waits for beside the provider's last word: attempts that failed, steps and polls before
it, and services of the target's own that stand between. Their time is not the target's, however often it asks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.recording import Exchange, Recording, Side

from .latency import MS, CallTimes, first_content_ns


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of a client's time to first content, in milliseconds.

    ``before`` runs from the client's request to the last request that the provider saw, ``provider`` from there to the
    provider's first content sent, ``after`` from there to the client's first content; the time in which one of the
    others was under way is taken out of ``before`` and ``after``, and is ``others``. All but ``before`` are None where
    that content never was.
    """

    before_ms: float
    provider_ms: float | None
    after_ms: float | None
    others_ms: float | None = None

    @property
    def target_share(self) -> float | None:
        """The target's part of the whole, 0 to 1."""
        if self.provider_ms is None or self.after_ms is None or self.others_ms is None:
            return None
        whole_ms = self.before_ms + self.others_ms + self.provider_ms + self.after_ms
        return (self.before_ms + self.after_ms) / whole_ms if whole_ms > 0 else None


def upstreams(recording: Recording) -> Mapping[str, tuple[Exchange, ...]]:
    """The provider exchanges that each client exchange caused, by the client exchange's id.

    They carry the same tag. One prompt sent several times: each call has the provider traffic from when it was sent
    until the next with the same prompt was.
    """
    clients = [one for one in recording.side(Side.CLIENT) if one.tie is not None]
    providers = list(recording.side(Side.PROVIDER))
    return {one.id: _caused(one, [c for c in clients if c.tie == one.tie], providers) for one in clients}


def others(recording: Recording, client: Exchange, caused: Sequence[Exchange]) -> tuple[Exchange, ...] | None:
    """What went on for a call beside the last of the provider exchanges that it caused: the ones before, and what
    carries no tag, with providers and services.

    None where that cannot be told: what has no tag went on while another call did, and may be of either.
    """
    untied = [
        one for one in recording.exchanges if one.side is not Side.CLIENT and one.tie is None and _meet(one, client)
    ]
    rivals = [one for one in recording.side(Side.CLIENT) if one is not client and one.tie and _meet(one, client)]
    return None if untied and rivals else (*caused[:-1], *untied)


def shares(
    client: Exchange, times: CallTimes, upstream: Exchange, upstream_times: CallTimes, others: Sequence[Exchange] = ()
) -> Shares:
    """The parts of one call, by the provider exchange that answered it; ``others`` are those that it waited for too."""
    asked_ns, called_ns = client.request.sent_ns, upstream.request.sent_ns
    sent_ns = first_content_ns(upstream, upstream_times)
    read_ns = first_content_ns(client, times)
    early_ns = _busy_ns(others, asked_ns, called_ns)
    before_ms = (called_ns - asked_ns - early_ns) / MS
    if sent_ns is None:
        return Shares(before_ms, None, None)
    if read_ns is None:
        return Shares(before_ms, (sent_ns - called_ns) / MS, None)
    late_ns = _busy_ns(others, sent_ns, read_ns)
    after_ms = (read_ns - sent_ns - late_ns) / MS
    return Shares(before_ms, (sent_ns - called_ns) / MS, after_ms, (early_ns + late_ns) / MS)


def _busy_ns(exchanges: Sequence[Exchange], begin_ns: int, end_ns: int) -> int:
    """For how long of a time any of the exchanges was under way."""
    busy_ns, until_ns = 0, begin_ns
    for one in sorted(exchanges, key=lambda one: one.request.sent_ns):
        from_ns, to_ns = max(one.request.sent_ns, until_ns), min(one.ended_ns, end_ns)
        busy_ns += max(0, to_ns - from_ns)
        until_ns = max(until_ns, to_ns)
    return busy_ns


def _meet(one: Exchange, other: Exchange) -> bool:
    """Whether two exchanges were under way at the same time."""
    return one.request.sent_ns <= other.ended_ns and other.request.sent_ns <= one.ended_ns


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
