"""What Anthropic promises of a streamed message: which events come, in which order, and what each may hold."""

from __future__ import annotations

from harness.core.recording import Json, Recording
from harness.core.verdict import Level, Subject
from harness.providers.anthropic import Kind, StreamEvent

from .provider_anthropic import message_fault
from .provider_messages import ANTHROPIC, CLAUDE, IN_EVENTS, Answer, streams, streams_asked
from .provider_traffic import EVENT_STREAM
from .registry import Findings, contract

STREAMING = "Anthropic API reference, streaming messages"
FLOW = f"{STREAMING}: the flow of events"
BLOCKS = (Kind.BLOCK_START, Kind.BLOCK_DELTA, Kind.BLOCK_STOP)


@contract(
    "anthropic.stream-content-type",
    select=streams_asked(IN_EVENTS),
    source=f"{STREAMING}: server-sent events; WHATWG HTML 9.2.5",
    subject=Subject.PROVIDER,
    breakers=("message-stream-labelled-json",),
)
def stream_content_type(answer: Answer, _recording: Recording) -> Findings:
    """A stream that was asked for is labelled `text/event-stream`.

    A client that goes by the label reads anything else as one document, and waits for its end.
    """
    label = answer.exchange.response.header("content-type") if answer.exchange.response else None
    if (label or "").partition(";")[0].strip().lower() != EVENT_STREAM:
        yield answer.violation(f"The stream is labelled {label!r}.")


@contract(
    "anthropic.event-names",
    select=streams(CLAUDE),
    source=f"{STREAMING}: each event has a name, and the same type in its JSON data",
    subject=Subject.PROVIDER,
    breakers=("malformed-message-event", "event-without-name", "event-of-another-type", "bedrock-claude-no-type"),
)
def event_names(answer: Answer, _recording: Recording) -> Findings:
    """Every event is a JSON object whose type is the event's name.

    Some clients go by the name and others by the type; Anthropic's own pass over an event without a name.
    """
    for event in answer.stream.events if answer.stream else ():
        if event.kind is Kind.MALFORMED or not isinstance(event.data, dict):
            yield answer.violation(f"The event is no JSON object: {event.raw[:60]!r}.", event)
        elif event.data.get("type") != event.name:
            yield answer.violation(f"An event called {event.name!r} is of the type {event.data.get('type')!r}.", event)


@contract(
    "anthropic.event-order",
    select=streams(CLAUDE),
    source=FLOW,
    subject=Subject.PROVIDER,
    breakers=(
        "drop-message-start",
        "second-message-start",
        "message-delta-too-early",
        "drop-message-delta",
        "bedrock-claude-only-metrics",
        "bedrock-claude-no-start",
        "bedrock-claude-no-stop",
        "bedrock-claude-stop-first",
    ),
)
def event_order(answer: Answer, _recording: Recording) -> Findings:
    """A stream is `message_start`, content blocks, `message_delta`, `message_stop`, in this order; pings anywhere.

    Clients put the message together as it comes: a part out of place is lost or ends them.
    """
    before: Kind | None = None
    for event in answer.events:
        if event.kind not in _NEXT[before]:
            after = "first" if before is None else f"after {before}"
            yield answer.violation(f"{event.kind} came {after}.", event)
            return
        before = event.kind


_BODY = (*BLOCKS, Kind.MESSAGE_DELTA)  # which block is open, is for another contract
_NEXT: dict[Kind | None, tuple[Kind, ...]] = {
    None: (Kind.MESSAGE_START,),
    Kind.MESSAGE_START: _BODY,
    **dict.fromkeys(BLOCKS, _BODY),
    Kind.MESSAGE_DELTA: (Kind.MESSAGE_DELTA, Kind.MESSAGE_STOP),
    Kind.MESSAGE_STOP: (),
}
"""What may come after what."""


@contract(
    "anthropic.message-stop-last",
    select=streams(CLAUDE, whole=True),
    source=f"{FLOW}: a final message_stop event",
    subject=Subject.PROVIDER,
    breakers=("drop-message-stop", "second-message-stop", "event-after-message-stop", "bedrock-claude-no-last"),
)
def message_stop_last(answer: Answer, _recording: Recording) -> Findings:
    """A whole stream ends with `message_stop`, once and last.

    Without it a cut stream and a whole one look the same. (A ping may come anywhere.)
    """
    stream = answer.stream
    if stream is None:
        return
    if not stream.done:
        yield answer.violation(f"No message_stop came after {len(stream.events)} events.")
        return
    for event in stream.events[stream.done[0] + 1 :]:
        if event.kind is not Kind.PING:
            yield answer.violation(f"{event.kind} came after message_stop.", event)
            return


@contract(
    "anthropic.stream-stop-reason",
    select=streams(CLAUDE, whole=True),
    source="Anthropic API reference, the Message object, stop_reason: non-null at the end of a stream",
    subject=Subject.PROVIDER,
    breakers=(
        "drop-message-delta",
        "delta-without-stop-reason",
        "bedrock-claude-only-metrics",
        "bedrock-claude-no-stop",
    ),
)
def stream_stop_reason(answer: Answer, _recording: Recording) -> Findings:
    """A whole stream says in a `message_delta` why it ended.

    It tells a complete answer from one that ran into a limit or waits for a tool.
    """
    if answer.stream is not None and not answer.stream.stop_reasons:
        yield answer.violation("No message_delta of the whole stream has a stop reason.")


@contract(
    "anthropic.message-start",
    select=streams(CLAUDE),
    source=f"{FLOW}: message_start contains a Message object with empty content",
    subject=Subject.PROVIDER,
    breakers=(
        "start-without-id",
        "start-with-content",
        "start-with-stop-reason",
        "second-message-start",
        "bedrock-claude-start-of-user",
    ),
)
def message_start(answer: Answer, _recording: Recording) -> Findings:
    """A stream starts one message, with one id: the assistant's, still empty, not stopped.

    Gateways and logs tie a stream together by its id; a client that finds content there has it twice.
    """
    ids: dict[Json, None] = {}
    for event in answer.of(Kind.MESSAGE_START):
        wrong = _start_fault(event.data.get("message"))
        if wrong:
            yield answer.violation(f"The message that starts {wrong}.", event)
            return
        ids[event.data["message"]["id"]] = None
        if len(ids) > 1:
            yield answer.violation(f"One stream has the ids {' and '.join(map(repr, ids))}.", event)


def _start_fault(message: Json) -> str | None:
    if not isinstance(message, dict):
        return "is no object"
    if message.get("content"):
        return "has content already"
    if message.get("stop_reason") is not None:
        return f"has the stop reason {message['stop_reason']!r} already"
    return message_fault(message)


@contract(
    "anthropic.block-indexes",
    select=streams(CLAUDE),
    source=f"{FLOW}: each block's start, deltas and stop, with its index in the final content",
    subject=Subject.PROVIDER,
    breakers=(
        "block-index-skips",
        "delta-of-another-block",
        "drop-block-stop",
        "drop-block-start",
        "blocks-interleaved",
        "bedrock-claude-no-block-start",
    ),
)
def block_indexes(answer: Answer, _recording: Recording) -> Findings:
    """Content blocks are numbered from 0 without a gap, and one stops before the next one starts.

    Clients add each delta to the block that its index names.
    """
    opened, current = 0, None
    for event in answer.events:
        index = event.data.get("index")
        if event.kind is Kind.BLOCK_START:
            if current is not None:
                yield answer.violation(f"A block starts while block {current} is open.", event)
                return
            if index != opened or isinstance(index, bool):
                yield answer.violation(f"Block number {opened} has the index {index!r}.", event)
                return
            opened, current = opened + 1, index
        elif event.kind in BLOCKS:
            if current is None or index != current:
                state = "none is open" if current is None else f"block {current} is open"
                yield answer.violation(f"{event.kind} is of block {index!r}, and {state}.", event)
                return
            current = None if event.kind is Kind.BLOCK_STOP else current
        elif current is not None and event.kind in (Kind.MESSAGE_DELTA, Kind.MESSAGE_STOP):
            yield answer.violation(f"{event.kind} came while block {current} was open.", event)
            return


@contract(
    "anthropic.delta-types",
    select=streams(CLAUDE),
    source=f"{STREAMING}: types of content block deltas",
    subject=Subject.PROVIDER,
    breakers=("delta-of-another-type", "delta-without-type", "bedrock-claude-delta-of-a-tool"),
)
def delta_types(answer: Answer, _recording: Recording) -> Findings:
    """A delta is of a type that its block can take: text for text, partial JSON for a tool's input, and so on.

    A client that adds the wrong field to a block fails or loses it. (Types that are not documented yet are free.)
    """
    types: dict[Json, str] = {}
    for event in answer.events:
        if event.kind is Kind.BLOCK_START:
            types[_key(event)] = str(_type(event.data.get("content_block")))
        if event.kind is Kind.BLOCK_DELTA:
            sent, block = _type(event.data.get("delta")), types.get(_key(event))
            if sent is None:
                yield answer.violation("A delta has no type.", event)
            elif block is not None and not _fits(sent, block):
                yield answer.violation(f"A block of the type {block!r} got a {sent!r}.", event)


_DELTAS = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "tool_use": ("input_json_delta",),
    "compaction": ("compaction_delta",),
}
_DOCUMENTED = frozenset(delta for deltas in _DELTAS.values() for delta in deltas)


def _fits(delta: str, block: str) -> bool:
    """Whether a block takes a delta; every kind of tool use takes partial JSON, and what is new takes anything."""
    deltas = _DELTAS.get("tool_use" if block.endswith("tool_use") else block)
    return deltas is None or delta in deltas or delta not in _DOCUMENTED


def _type(part: Json) -> str | None:
    found = part.get("type") if isinstance(part, dict) else None
    return found if isinstance(found, str) else None


def _key(event: StreamEvent) -> str:
    """A block's index, whatever it is, as something to look it up by."""
    return repr(event.data.get("index"))


@contract(
    "anthropic.nothing-after-error",
    select=streams(ANTHROPIC),
    source=f"{STREAMING}, error events; Anthropic's own clients stop at one",
    subject=Subject.PROVIDER,
    level=Level.SHOULD,
    breakers=("event-after-error",),
)
def nothing_after_error(answer: Answer, _recording: Recording) -> Findings:
    """An error in band ends the stream: no event comes after it.

    A client that stops at the error and one that reads on must have the same answer.
    """
    stream = answer.stream
    if stream is not None and stream.errors and stream.errors[0].index + 1 < len(stream.events):
        yield answer.violation("An event came after the stream's error.", stream.events[stream.errors[0].index + 1])
