"""Faults: what a provider does wrong, as data. A new fault is one more entry in ``FAULTS``.

What an entry may say is in ``core.struck``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TypedDict

from .deviation import Body, Damage, Done, Insert, Polled, Reach, Then, Usage, Writes
from .errors import UnknownName
from .forms import CLAUDE, LINES, MODELS
from .names import Answer, Form, Provider
from .struck import BOTH, HEALTHY, PLAIN, STREAM, Fault

__all__ = [
    "BOTH",
    "FAULTS",
    "PLAIN",
    "STREAM",
    "Body",
    "Damage",
    "Done",
    "Fault",
    "Insert",
    "Polled",
    "Reach",
    "Then",
    "Usage",
    "Writes",
    "select_faults",
]


class _Whose(TypedDict):
    applies: frozenset[Answer]
    providers: frozenset[Provider]


_ALL_WORDS = 1_000_000
"""More content events than any answer has."""

_CHATKIT = _Whose(applies=PLAIN, providers=frozenset({Provider.CHATKIT}))
_BEDROCK = frozenset({Provider.BEDROCK})
_MESSAGE, _POLL = "chatkit.messages.create", "chatkit.messages.list"


def _http(status: int, words: str, providers: frozenset[Provider] | None = None) -> Fault:
    return Fault(id=f"http-{status}", summary=f"answers {status}: {words}", status=status, providers=providers)


_ALL = (
    HEALTHY,
    _http(400, "the request is refused, with the provider's reason"),
    _http(401, "the key is refused, and the words quote it"),
    _http(403, "the key may not do this"),
    _http(404, "no such model"),
    _http(408, "the request took too long", frozenset(Provider) - {Provider.VERTEX}),
    _http(413, "the request is too large", frozenset({Provider.ANTHROPIC})),
    Fault(
        id="http-429",
        summary="answers 429 with retry-after in seconds",
        status=429,
        group="http-429-any",
        headers=(("retry-after", "7"),),
    ),
    Fault(
        id="http-429-date",
        summary="answers 429 with retry-after as an HTTP date",
        status=429,
        group="http-429-any",
        retry_after_date_s=7,
    ),
    Fault(id="http-429-bare", summary="answers 429 without retry-after", status=429, group="http-429-any"),
    _http(500, "internal error"),
    _http(502, "bad gateway"),
    _http(503, "unavailable"),
    _http(504, "its own time-out"),
    _http(529, "overloaded"),
    Fault(id="refused", summary="refuses the connection", reach=Reach.REFUSED),
    Fault(id="host-not-found", summary="its host name does not resolve", reach=Reach.NO_HOST),
    Fault(id="no-headers", summary="accepts the request and never answers", silent=True),
    Fault(id="slow-first-token", summary="is slow, within the limits", delay_ms=150),
    Fault(
        id="reset-before-first",
        summary="resets after the headers, before any content",
        applies=STREAM,
        after=0,
        then=Then.RESET,
    ),
    Fault(
        id="reset-plain",
        summary="promises a whole answer, and resets in the middle of it",
        applies=PLAIN,
        then=Then.RESET,
    ),
    Fault(id="reset-mid-stream", summary="resets in the middle", applies=STREAM, then=Then.RESET),
    Fault(id="cut", summary="ends cleanly in the middle, with no terminal", applies=STREAM, then=Then.CUT),
    Fault(
        id="no-finish",
        summary="says all its words, then ends cleanly without a finish reason or any terminal",
        applies=STREAM,
        after=_ALL_WORDS,
        then=Then.CUT,
    ),
    Fault(id="stall-mid-stream", summary="falls silent in the middle", applies=STREAM, then=Then.STALL),
    Fault(
        id="error-event",
        summary="says in band that it failed, in an event",
        applies=STREAM,
        insert=Insert.ERROR_EVENT,
    ),
    Fault(
        id="error-chunk",
        summary="says in band that it failed, inside a chunk",
        applies=STREAM,
        insert=Insert.ERROR_CHUNK,
    ),
    Fault(
        id="malformed-chunk",
        summary="sends one event that is not JSON, then goes on",
        applies=STREAM,
        insert=Insert.MALFORMED,
    ),
    Fault(id="not-json", summary="answers 200 with words that are not JSON", applies=PLAIN, body=Body.NOT_JSON),
    Fault(id="empty-body", summary="answers 200 with nothing", body=Body.EMPTY),
    Fault(id="empty-choices", summary="answers with no choices", body=Body.NO_CHOICES, forms=MODELS),
    Fault(
        id="wrong-content-type",
        summary="labels its answer text/html",
        content_type="text/html; charset=utf-8",
    ),
    Fault(
        id="json-on-stream",
        summary="answers a request for a stream with one JSON document",
        applies=STREAM,
        body=Body.JSON_ON_STREAM,
        content_type="application/json",
    ),
    Fault(id="no-usage", summary="says nothing of the tokens used", usage=Usage.ABSENT, forms=MODELS),
    Fault(id="zero-usage", summary="says that no tokens were used", usage=Usage.ZERO, forms=MODELS),
    Fault(
        id="absurd-usage-negative",
        summary="says that fewer than no tokens were used",
        usage=Usage.NEGATIVE,
        forms=MODELS,
        group="absurd-usage",
    ),
    Fault(
        id="absurd-usage-huge",
        summary="says that 10^15 tokens were used",
        usage=Usage.HUGE,
        forms=MODELS,
        group="absurd-usage",
    ),
    Fault(
        id="absurd-usage-nan",
        summary="gives NaN for the tokens used",
        usage=Usage.NOT_A_NUMBER,
        forms=MODELS - {Form.CANDIDATES},  # their counts are integers of a schema, which is what writes them
        group="absurd-usage",
    ),
    Fault(
        id="no-done",
        summary="finishes its answer, then no [DONE]",
        applies=STREAM,
        forms=MODELS - {Form.CANDIDATES},
        done=Done.NEVER,
    ),
    Fault(
        id="duplicate-done",
        summary="sends [DONE] twice",
        applies=STREAM,
        forms=MODELS - {Form.CANDIDATES},
        done=Done.TWICE,
    ),
    Fault(id="after-done", summary="sends one more chunk after [DONE]", applies=STREAM, done=Done.EARLY),
    Fault(id="split-utf8", summary="cuts its writes inside characters", applies=STREAM, writes=Writes.SPLIT_UTF8),
    Fault(id="one-byte-segments", summary="writes one byte at a time", applies=STREAM, writes=Writes.ONE_BYTE),
    Fault(id="coalesced", summary="writes all events at once", applies=STREAM, writes=Writes.COALESCED),
    Fault(id="crlf", summary="ends its lines with CR LF", applies=STREAM, forms=LINES, newline="\r\n"),
    Fault(id="comments", summary="sends comment lines between events", applies=STREAM, forms=LINES, comments=True),
    Fault(
        id="overloaded-in-band",
        summary="says in the middle of its answer that it is overloaded",
        applies=STREAM,
        forms=CLAUDE,
        insert=Insert.ERROR_EVENT,
        error_type="overloaded_error",
    ),
    Fault(
        id="ping-in-odd-places",
        summary="sends a ping before every event, the first and the last too",
        applies=STREAM,
        forms=CLAUDE,
        pings=True,
    ),
    _http(424, "the model failed", _BEDROCK),
    Fault(
        id="model-not-ready",
        summary="answers 429: the model is not ready yet",
        providers=_BEDROCK,
        status=429,
        error_type="ModelNotReadyException",
    ),
    Fault(
        id="quota-exceeded",
        summary="answers 400: the account's quota is used up",
        providers=_BEDROCK,
        status=400,
        error_type="ServiceQuotaExceededException",
    ),
    Fault(
        id="throttled-in-band",
        summary="says in the middle of its answer that it takes no more",
        applies=STREAM,
        providers=_BEDROCK,
        insert=Insert.ERROR_EVENT,
        error_type="throttlingException",
    ),
    Fault(
        id="bad-crc",
        summary="sends one frame with a wrong checksum, then goes on",
        applies=STREAM,
        providers=_BEDROCK,
        insert=Insert.MALFORMED,
        damage=Damage.CRC,
    ),
    Fault(
        id="bad-prelude-crc",
        summary="sends one frame whose length has a wrong checksum, then goes on",
        applies=STREAM,
        providers=_BEDROCK,
        insert=Insert.MALFORMED,
        damage=Damage.PRELUDE_CRC,
    ),
    Fault(
        id="half-frame",
        summary="ends cleanly in the middle of a frame",
        applies=STREAM,
        providers=_BEDROCK,
        insert=Insert.MALFORMED,
        damage=Damage.HALF,
        then=Then.CUT,
    ),
    Fault(
        id="expired-token",
        summary="refuses the access token as expired, until a newer one comes",
        providers=frozenset({Provider.VERTEX}),
        stale_token=True,
    ),
    Fault(
        id="json-labelled-stream",
        summary="answers 503 with JSON that is labelled text/event-stream",
        applies=STREAM,
        providers=frozenset({Provider.VERTEX}),
        forms=CLAUDE,  # Gemini's errors are labelled so anyway
        status=503,
        content_type="text/event-stream",
    ),
    Fault(id="never-answers", summary="takes the message and never answers it", polled=Polled.NOTHING, **_CHATKIT),
    Fault(id="answers-late", summary="answers at the seventh poll", polls=6, **_CHATKIT),
    Fault(id="text-block", summary="answers in a block of type text", polled=Polled.TEXT_BLOCK, **_CHATKIT),
    Fault(
        id="wrong-block-type",
        summary="answers in a block of a type that holds no answers",
        polled=Polled.OTHER_BLOCK,
        **_CHATKIT,
    ),
    Fault(
        id="session-vanishes",
        summary="makes a session, and has none when the message comes",
        group="session-vanishes-any",
        operation=_MESSAGE,
        status=404,
        **_CHATKIT,
    ),
    Fault(
        id="session-vanishes-later",
        summary="has no session any more at the second poll",
        group="session-vanishes-any",
        operation=_POLL,
        status=404,
        polls=1,
        **_CHATKIT,
    ),
    Fault(
        id="message-rejected",
        summary="refuses the message, and says why",
        operation=_MESSAGE,
        status=400,
        **_CHATKIT,
    ),
    Fault(id="answer-not-json", summary="answers in words, not in JSON", polled=Polled.NOT_JSON, **_CHATKIT),
    Fault(id="answer-lacks-key", summary="answers in JSON, under another key", polled=Polled.NO_KEY, **_CHATKIT),
    Fault(id="message-503", summary="takes no message for now: 503", operation=_MESSAGE, status=503, **_CHATKIT),
    Fault(id="message-silent", summary="never answers the message", operation=_MESSAGE, silent=True, **_CHATKIT),
    Fault(
        id="message-not-json",
        summary="answers the message with words that are not JSON",
        operation=_MESSAGE,
        body=Body.NOT_JSON,
        **_CHATKIT,
    ),
    Fault(
        id="poll-429",
        summary="answers the second poll with 429 and retry-after",
        operation=_POLL,
        status=429,
        headers=(("retry-after", "7"),),
        polls=1,
        **_CHATKIT,
    ),
    Fault(id="poll-503", summary="answers the second poll with 503", operation=_POLL, status=503, polls=1, **_CHATKIT),
    Fault(id="poll-silent", summary="never answers the second poll", operation=_POLL, silent=True, polls=1, **_CHATKIT),
    Fault(
        id="poll-reset",
        summary="resets in the middle of its answer to the second poll",
        operation=_POLL,
        then=Then.RESET,
        polls=1,
        **_CHATKIT,
    ),
    Fault(
        id="poll-not-json",
        summary="answers the second poll with words that are not JSON",
        operation=_POLL,
        body=Body.NOT_JSON,
        polls=1,
        **_CHATKIT,
    ),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.id: fault for fault in _ALL})
"""Every fault by its id, in the order in which they are shown."""


def select_faults(patterns: Iterable[str]) -> tuple[Fault, ...]:
    """The faults that ids, groups or globs name, each once, in the order of ``FAULTS``.

    Raises:
        UnknownName: nothing is called so.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        found = {
            fault.id
            for fault in _ALL
            if fault.id == pattern or fault.group == pattern or fnmatchcase(fault.id, pattern)
        }
        if not found:
            raise UnknownName("fault", pattern, [*FAULTS, *{fault.group for fault in _ALL if fault.group}])
        chosen |= found
    return tuple(fault for fault in _ALL if fault.id in chosen)
