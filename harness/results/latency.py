"""Latency, defined once. All of it comes from when bytes crossed the wire, never from when code read them.

A time is in milliseconds, since the request was sent. A chunk is an event with choices in it, a content chunk one with
characters: the role chunk that opens most streams is no first token. What cannot be known is None; a first token that
never came is *censored*: all that is known is that it took longer than the call was waited for. How other tools
define theirs is in ``others``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from harness.core.recording import Exchange, Fidelity

from .reading import Answer, Asked, Chunk, is_event_stream, read_answer, read_asked

MS = 1e6


class FirstToken(StrEnum):
    """What is known of an exchange's first token."""

    MEASURED = "measured"
    CENSORED = "censored"  # a stream was asked for; no content came before the exchange ended
    REFUSED = "refused"  # the same, and the answer was an error status
    NOT_STREAMED = "not-streamed"
    UNREAD = "unread"  # the protocol's content is not read, or times are not known


@dataclass(frozen=True, slots=True)
class CallTimes:
    """The times of one exchange on one clock, in nanoseconds; every figure below follows from these.

    ``headers_ns`` is None where no response came. ``chunks`` are those of a stream, in order. ``tokens`` are the output
    tokens that the answer's usage tells, None where it tells none.
    """

    sent_ns: int
    headers_ns: int | None
    ended_ns: int
    chunks: tuple[Chunk, ...] = ()
    chars: int = 0
    tokens: int | None = None
    streamed: bool = False
    asked_stream: bool | None = None
    status: int | None = None

    @property
    def content(self) -> tuple[Chunk, ...]:
        """The chunks with content."""
        return tuple(chunk for chunk in self.chunks if chunk.chars)

    def since_sent_ms(self, at_ns: int) -> float:
        """A time of the clock as milliseconds since the request was sent."""
        return (at_ns - self.sent_ns) / MS


def call_times(exchange: Exchange, asked: Asked | None = None, answer: Answer | None = None) -> CallTimes | None:
    """An exchange's times; None where they are not of the wire. What is read already can be given."""
    if exchange.fidelity is not Fidelity.WIRE:
        return None
    asked = asked or read_asked(exchange)
    answer = answer or read_answer(exchange)
    response = exchange.response
    return CallTimes(
        sent_ns=exchange.request.sent_ns,
        headers_ns=response.at_ns if response else None,
        ended_ns=exchange.ended_ns,
        chunks=answer.chunks if answer else (),
        chars=answer.chars if answer else 0,
        tokens=answer.tokens if answer else None,
        streamed=answer.streamed if answer else False,
        asked_stream=asked.stream if asked else None,
        status=exchange.status,
    )


def headers_ms(call: CallTimes) -> float | None:
    """Time to headers: request sent to the response's header section complete."""
    return None if call.headers_ns is None else call.since_sent_ms(call.headers_ns)


def total_ms(call: CallTimes) -> float:
    """Total: request sent to the end of the exchange, however it ended."""
    return call.since_sent_ms(call.ended_ns)


def first_token(call: CallTimes) -> FirstToken:
    """Whether the time to first token is known, and why not where it is not."""
    if call.content:
        return FirstToken.MEASURED
    if call.asked_stream is None:
        return FirstToken.UNREAD
    if not call.streamed and (call.chars or not call.asked_stream):
        return FirstToken.NOT_STREAMED
    return FirstToken.REFUSED if (call.status or 0) >= 400 else FirstToken.CENSORED


def ttft_ms(call: CallTimes) -> float | None:
    """Time to first token: request sent to the first chunk with content; a role chunk is none."""
    content = call.content
    return call.since_sent_ms(content[0].at_ns) if content else None


def ttft_censored_ms(call: CallTimes) -> float | None:
    """How long a first token that never came was waited for; None where it came, or none was to come."""
    return total_ms(call) if first_token(call) in (FirstToken.CENSORED, FirstToken.REFUSED) else None


def event_gaps_ms(call: CallTimes) -> tuple[float, ...]:
    """Inter-chunk gaps: between one content chunk and the next; 0 where both came in one read."""
    return tuple((after.at_ns - before.at_ns) / MS for before, after in pairwise(call.content))


def read_gaps_ms(call: CallTimes) -> tuple[float, ...]:
    """Between one read that completed content and the next: the event gaps without those inside a read."""
    return tuple((after - before) / MS for before, after in pairwise(_content_reads(call).values()))


def itl_ms(call: CallTimes) -> float | None:
    """Token-normalised inter-token latency: first to last content over the tokens after the first.

    It does not depend on how tokens were bundled into chunks, or chunks into reads. None below two tokens, or where
    the answer does not tell its tokens.
    """
    content = call.content
    if not content or call.tokens is None or call.tokens < 2:
        return None
    return (content[-1].at_ns - content[0].at_ns) / MS / (call.tokens - 1)


def chars_per_s(call: CallTimes) -> float | None:
    """Output characters over the time from the request to the last content."""
    return _per_s(call, call.chars)


def tokens_per_s(call: CallTimes) -> float | None:
    """Output tokens over the same time; None where the answer does not tell them."""
    return None if call.tokens is None else _per_s(call, call.tokens)


@dataclass(frozen=True, slots=True)
class Reads:
    """How content came: in ``content_reads`` reads, ``coalesced`` of which completed two content chunks or more."""

    content_reads: int
    coalesced: int

    @property
    def share(self) -> float | None:
        """The share of coalesced reads, 0 to 1; None where there was no content."""
        return self.coalesced / self.content_reads if self.content_reads else None


def reads(call: CallTimes) -> Reads:
    """The reads that completed content. Gaps inside a coalesced read are 0 and say nothing of the sender."""
    counts: dict[int, int] = {}
    for chunk in call.content:
        counts[chunk.read] = counts.get(chunk.read, 0) + 1
    return Reads(len(counts), sum(1 for count in counts.values() if count > 1))


def first_content_ns(exchange: Exchange, call: CallTimes) -> int | None:
    """When the answer's first content was there, on the recording's clock: a stream's first content chunk, a plain
    answer's last byte (a document is nothing before it is whole; an error's too). None where there is no content, and
    for a stream whose protocol is not read.
    """
    if call.content:
        return call.content[0].at_ns
    response = exchange.response
    if call.streamed or response is None or not response.body or is_event_stream(response):
        return None
    return response.segments[-1].at_ns if response.segments else response.at_ns


def _content_reads(call: CallTimes) -> dict[int, int]:
    """The time of each read that completed content, by its number, in order."""
    return {chunk.read: chunk.at_ns for chunk in call.content}


def _per_s(call: CallTimes, amount: int) -> float | None:
    content = call.content
    took_ms = call.since_sent_ms(content[-1].at_ns) if content else 0.0
    return amount / took_ms * 1000 if took_ms > 0 else None
