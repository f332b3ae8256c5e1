"""How often a provider is tried again, when, and when no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.core.names import Capability
from harness.core.recording import Ending, Recording
from harness.core.verdict import Pointer
from harness.systems import agent

from .calls import ChatCall, Upstream, chat_calls
from .log import log_lines, parsed
from .registry import Findings, contract
from .scope import AGENT

PROVIDER = (Capability.PROVIDER,)
CLOSED = (Ending.RESET, Ending.FIN)


def _asked(recording: Recording) -> list[ChatCall]:
    """Chats that reached a provider, while their client stayed."""
    return [call for call in chat_calls(recording) if call.upstreams and not call.left]


def _repeated(recording: Recording) -> list[ChatCall]:
    return [call for call in _asked(recording) if len(call.upstreams) > 1]


def closed_early(upstream: Upstream) -> bool:
    """Whether the provider closed its socket before its answer was whole."""
    return upstream.exchange.ending in CLOSED


@contract(
    "resilience.tries-bounded",
    select=_asked,
    systems=AGENT,
    needs=PROVIDER,
    source="house: at most 3 tries",
    breakers=("agent-retries-for-ever", "retries-provider"),
)
def tries_bounded(call: ChatCall, _recording: Recording) -> Findings:
    """A chat asks its provider three times at most.

    Every further try is load on a provider that is failing already, and waiting for a client that could be told.
    """
    tries = sum(not upstream.token_refused for upstream in call.upstreams)
    if tries > agent.TRIES_MAX:
        yield call.violation(f"The provider was asked {tries} times for one chat.")


@contract(
    "resilience.tried-again",
    select=_asked,
    systems=AGENT,
    needs=PROVIDER,
    source="house: a provider that closed its socket early is tried again while nothing was delivered",
    breakers=("agent-never-retries",),
)
def tried_again(call: ChatCall, _recording: Recording) -> Findings:
    """A chat whose provider closed its socket before the first words is tried again, as often as it may be.

    Connections are closed by every restart of whatever stands between: the next try is nearly always well, and the
    client need never know.
    """
    last, tries = call.upstreams[-1], len(call.upstreams)
    if closed_early(last) and not last.pieces and tries < agent.TRIES_MAX:
        yield call.violation(f"The provider closed its socket before its first words, and was asked {tries} times.")


@contract(
    "resilience.not-after-delivery",
    select=_asked,
    systems=AGENT,
    needs=PROVIDER,
    source="house: tries only while nothing has been delivered to the client",
    breakers=("agent-retries-after-delivery",),
)
def not_after_delivery(call: ChatCall, _recording: Recording) -> Findings:
    """Once the client has words of an answer, its provider is not asked again.

    A model does not say the same thing twice: the second answer's words would follow the first one's half.
    """
    for upstream in call.upstreams[:-1]:
        if upstream.pieces:
            yield call.violation(
                f"The provider broke off after {len(upstream.pieces)} pieces, and was asked again.",
                Pointer(upstream.exchange.id, at_ns=upstream.exchange.ended_ns),
            )


@contract(
    "resilience.only-closed-sockets-tried-again",
    select=_asked,
    systems=AGENT,
    needs=PROVIDER,
    source="house: a provider that says no is believed; a token that is refused is renewed once",
    breakers=("agent-retries-refusals", "retries-provider"),
)
def only_closed_sockets(call: ChatCall, _recording: Recording) -> Findings:
    """Only a socket that closed early is a reason to try again, and once, on Vertex, a token that was refused.

    A 400 stays a 400, a 429 asks for fewer calls and not for more, and a 500 may have cost the provider its work.
    """
    for upstream in call.upstreams[:-1]:
        if not closed_early(upstream) and not upstream.token_refused:
            said = upstream.exchange.status or upstream.exchange.ending.value
            yield call.violation(f"The provider's exchange ended by {said}, and it was asked again.")


@dataclass(frozen=True)
class Waited:
    """A chat that was tried several times, the only one of its session, with its line in the log."""

    call: ChatCall
    row: dict[str, Any]


def _waits(recording: Recording) -> Iterator[Waited]:
    rows = [row for lines in log_lines(recording) for row in parsed(lines) if "tries" in row]
    chats = Counter(row.get("sessionId") for row in rows)
    by_session = {row.get("sessionId"): row for row in rows if chats[row.get("sessionId")] == 1}
    for call in _repeated(recording):
        header = call.client.response.header(agent.SESSION_HEADER) if call.client.response else None
        if header in by_session and all(map(closed_early, call.upstreams[:-1])):
            yield Waited(call, by_session[header])


@contract(
    "resilience.waits-grow",
    select=_waits,
    systems=AGENT,
    needs=[*PROVIDER, Capability.LOG],
    source="house: 1 s, 2 s, ..., capped, with jitter; logged as `waited_s`",
    breakers=("agent-no-backoff", "agent-retry-waits-fixed", "retries-provider"),
)
def waits_grow(waited: Waited, recording: Recording) -> Findings:
    """Between two tries there is a wait, longer each time and never quite the same; the log says how long.

    How long is a setting: where a target is told other waits, it keeps those. A provider that is restarting is not
    helped by being asked again at once, nor by all its callers at the same moment.
    """
    waits, tries = waited.row.get("waited_s"), len(waited.call.upstreams)
    if not isinstance(waits, list) or waited.row.get("tries") != tries or len(waits) != tries - 1:
        yield waited.call.violation(
            f"The provider was asked {tries} times; the log says {waited.row.get('tries')} tries and waits {waits!r}."
        )
        return
    asked = recording.header.asked.get("settings") or {}
    first_s, jitter, longest_s = agent.retry_waits(recording.header.facts, asked)
    for number, wait_s in enumerate(waits):
        least_s = min(longest_s, first_s * 2**number)
        most_s = min(longest_s, least_s * (1 + jitter))
        if not isinstance(wait_s, int | float) or not least_s <= wait_s <= most_s:
            yield waited.call.violation(
                f"Wait {number + 1} took {wait_s!r} s, not {least_s:g} to {most_s:g} s.", Pointer(probe="log")
            )
