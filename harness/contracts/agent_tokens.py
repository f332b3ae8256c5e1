"""Access tokens for Vertex AI: renewed before they end, once where they are refused, and once for all who wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.providers.vertex import TOKEN
from harness.systems import agent

from .agent_calls import object_of
from .calls import ChatCall, chat_calls
from .registry import Findings, contract
from .scope import AGENT

PROVIDER = (Capability.PROVIDER,)
AT_ONCE = ("token-at-once", "token-renewed-at-once")
"""Scenarios of chats at once, none of which has a good token; a new one is always granted and taken."""
NO_TOKEN_LEFT = ("advanced", "tokens-refused")
"""The marks from which on the token that a target has is good no more."""


def _refused(recording: Recording) -> list[ChatCall]:
    found = [call for call in chat_calls(recording) if call.upstreams and not call.left]
    return [call for call in found if call.upstreams[0].token_refused]


@contract(
    "resilience.token-renewed-once",
    select=_refused,
    systems=AGENT,
    needs=PROVIDER,
    source="house: refreshed once on a 401; RFC 6750, 3.1: invalid_token, the client may ask for a new one",
    breakers=("agent-token-not-renewed", "agent-token-renewed-for-ever", "agent-retries-refusals", "retries-provider"),
)
def token_renewed_once(call: ChatCall, _recording: Recording) -> Findings:
    """A call whose token is refused is made once more with a new one, and not a third time.

    A token can be withdrawn before its time, so the first refusal is no fault of the caller's. The second is not about
    the token.
    """
    tries = len(call.upstreams)
    if tries != 2:
        yield call.violation(f"The token was refused, and the call was made {tries} times, not twice.")


@dataclass(frozen=True)
class Granted:
    """A token's life: the request that brought it, how long it is good, and the calls made until the next."""

    grant: Exchange
    lifetime_s: float
    calls: tuple[Exchange, ...]


def _grants(recording: Recording) -> list[Exchange]:
    """The requests for a token that were granted."""
    tokens = [one for one in recording.side(Side.PROVIDER) if one.operation == TOKEN]
    return [one for one in tokens if one.status == 200]


def _turns(recording: Recording) -> Iterator[tuple[Exchange, ...]]:
    """The grants since each moment from which on no token was good any more, for many calls at once."""
    if recording.header.scenario not in AT_ONCE:
        return
    ends_ns = [mark.at_ns for mark in recording.marks if mark.name in NO_TOKEN_LEFT]
    for since_ns, until_ns in pairwise((0, *ends_ns, None)):
        found = tuple(one for one in _grants(recording) if _between(since_ns or 0, one.request.sent_ns, until_ns))
        if found:
            yield found


def _at_once(recording: Recording) -> list[ChatCall]:
    return list(chat_calls(recording)) if recording.header.scenario in AT_ONCE else []


@contract(
    "resilience.one-token-for-all",
    select=_turns,
    systems=AGENT,
    needs=PROVIDER,
    source="house: many at once cause one refresh",
    breakers=("agent-token-for-each", "agent-token-at-once", "agent-token-renewed-by-each"),
)
def one_token_for_all(grants: tuple[Exchange, ...], _recording: Recording) -> Findings:
    """However many calls find no token, one is fetched, and all use it until it ends or is refused.

    Token endpoints have limits too: a service that asks at every call is refused when it has most to do. Who reads
    late that a token was refused which has been renewed since uses the new one.
    """
    if len(grants) > 1:
        yield Violation(
            f"{len(grants)} tokens were fetched, where 1 would do.", tuple(Pointer(one.id) for one in grants)
        )


@contract(
    "race.token-serves-all",
    select=_at_once,
    systems=AGENT,
    needs=PROVIDER,
    source="house: many at once cause one refresh; all of them wait for it",
    breakers=("agent-token-turns-away", "agent-token-not-renewed"),
)
def token_serves_all(call: ChatCall, _recording: Recording) -> Findings:
    """A call that finds no token, while somebody else fetches one, waits for that and is answered.

    Every hour all the calls of one moment meet there. Whoever is turned away for it is told of a failure that nobody
    else can see.
    """
    if not (call.succeeded or call.left):
        yield call.violation(f"A token was to be had, and the client read {call.client.status or 'nothing'}.")


def _lives(recording: Recording) -> Iterator[Granted]:
    grants = _grants(recording)
    calls = [one for call in chat_calls(recording) for one in (up.exchange for up in call.upstreams)]
    for grant, after in zip_longest(grants, grants[1:]):
        until_ns = after.ended_ns if after is not None else None
        used = tuple(one for one in calls if _between(grant.ended_ns, one.request.sent_ns, until_ns))
        lifetime_s = object_of(grant.body).get("expires_in")
        if used and isinstance(lifetime_s, int | float):
            yield Granted(grant, float(lifetime_s), used)


def _between(since_ns: int, at_ns: int, until_ns: int | None) -> bool:
    return since_ns <= at_ns and (until_ns is None or at_ns < until_ns)


@contract(
    "resilience.token-renewed-in-time",
    select=_lives,
    systems=AGENT,
    needs=PROVIDER,
    source="house: tokens are refreshed before they expire; RFC 6749, 5.1: expires_in",
    breakers=("agent-token-used-to-the-end",),
)
def token_renewed_in_time(token: Granted, recording: Recording) -> Findings:
    """No call is made with a token that has ended, or is about to: it is renewed before.

    A token that ends on its way is refused, and the call that it was for has lost its time.
    """
    for call in token.calls:
        age_s = sum(
            float(mark.data["seconds"])
            for mark in recording.marks
            if mark.name == "advanced" and token.grant.ended_ns <= mark.at_ns <= call.request.sent_ns
        )
        if age_s + agent.TOKEN_SPARE_S >= token.lifetime_s:
            yield Violation(
                f"The token was {age_s:.0f} s old, and is good for {token.lifetime_s:.0f} s.",
                (Pointer(call.id), Pointer(token.grant.id)),
            )
            return
