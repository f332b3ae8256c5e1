"""What Amazon Bedrock promises of its event streams: the frames, their order, and how they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from harness.core.recording import Json, Recording
from harness.core.verdict import Pointer, Subject, Violation
from harness.providers.bedrock import Kind, StreamEvent, has_metrics
from harness.providers.bedrock_encode import EVENT_STREAM

from .provider_invocations import FRAMED, Invocation, streams, streams_asked
from .registry import Findings, contract

FRAMES = "Amazon event stream encoding (Smithy, application/vnd.amazon.eventstream)"
ORDER = "Amazon Bedrock user guide, ConverseStream response: order of the events"
INVOKE = "Amazon Bedrock API reference, InvokeModelWithResponseStream"

Step = tuple[str, Json, StreamEvent]
"""An event of Converse's by its name and what it says, with the frame that it came in."""

_NAMES = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}
_BLOCKS = frozenset({"contentBlockStart", "contentBlockDelta", "contentBlockStop"})

_FAILURES = frozenset(
    {
        "internalServerException",
        "modelStreamErrorException",
        "serviceUnavailableException",
        "throttlingException",
        "validationException",
    }
)
EXCEPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"converse-stream": _FAILURES, FRAMED: _FAILURES | {"modelTimeoutException"}}
)
"""Call -> the exceptions that its stream may hold."""


def _modelled(answer: Invocation) -> list[StreamEvent]:
    """The frames that hold an exception of the API's; an error that it does not describe is in its headers alone."""
    found = answer.stream.exceptions if answer.stream else ()
    return [event for event in found if event.message.text(":message-type") == "exception"]


def _failed(recording: Recording) -> list[Invocation]:
    return [answer for answer in streams()(recording) if _modelled(answer)]


@contract(
    "bedrock.stream-content-type",
    select=streams_asked(),
    source=f"{FRAMES}; {INVOKE}",
    subject=Subject.PROVIDER,
    breakers=("bedrock-stream-labelled-sse",),
)
def stream_content_type(answer: Invocation, _recording: Recording) -> Findings:
    """A stream is labelled `application/vnd.amazon.eventstream`.

    Proxies and clients that go by the label cannot read binary frames as anything else.
    """
    label = answer.header("content-type")
    if (label or "").partition(";")[0].strip().lower() != EVENT_STREAM:
        yield answer.violation(f"The stream is labelled {label!r}.")


@contract(
    "bedrock.frames-intact",
    select=streams(),
    source=f"{FRAMES}: both CRC-32 sums",
    subject=Subject.PROVIDER,
    breakers=("bedrock-message-crc", "bedrock-prelude-crc", "bedrock-half-frame"),
)
def frames_intact(answer: Invocation, _recording: Recording) -> Findings:
    """Every frame is whole, and its two checksums are right.

    The SDKs give a stream up at a wrong checksum, and pass half a frame at the end over in silence.
    """
    stream = answer.stream
    if stream is None:
        return
    for event in stream.events:
        if event.message.damage is not None:
            yield answer.violation(f"A frame is damaged: {event.message.damage}.", event)
    start = stream.events[-1].end if stream.events else 0
    rest = Pointer(answer.exchange.id, start=start, end=start + len(stream.tail))
    if stream.trouble is not None:
        yield Violation(f"The stream cannot be read on: {stream.trouble.what}.", (rest,))
    elif stream.tail and not answer.broken_off:
        yield Violation(f"The stream ends within a frame, after {len(stream.tail)} bytes of it.", (rest,))


@contract(
    "bedrock.frame-headers",
    select=streams(),
    source="Smithy, event stream wire format: headers of event, exception and error messages",
    subject=Subject.PROVIDER,
    breakers=("bedrock-no-message-type", "bedrock-no-event-type", "bedrock-exception-without-type"),
)
def frame_headers(answer: Invocation, _recording: Recording) -> Findings:
    """Every frame says in its headers what kind of message it is, and which.

    A client picks the shape of the payload by them.
    """
    for event in answer.events:
        if event.kind is Kind.DAMAGED:
            continue
        kind = event.message.text(":message-type")
        if kind not in _NAMES:
            yield answer.violation(f"A frame's message type is {kind!r}.", event)
        elif not event.message.text(_NAMES[kind]):
            yield answer.violation(f"A frame has no {_NAMES[kind]}.", event)


@contract(
    "bedrock.payload-parses",
    select=streams(),
    source=f"{INVOKE}, PayloadPart: bytes in base64; {ORDER}",
    subject=Subject.PROVIDER,
    breakers=("bedrock-payload-cut", "bedrock-chunk-not-base64"),
)
def payload_parses(answer: Invocation, _recording: Recording) -> Findings:
    """An event's payload is a JSON object; an invoke stream's chunk holds JSON in base64.

    A client that cannot decode one has nothing to show for it, and mostly stops.
    """
    for event in answer.events:
        if event.kind is Kind.MALFORMED:
            yield answer.violation(f"The payload of {event.name or 'a frame'} cannot be decoded.", event)


@contract(
    "bedrock.converse-order",
    select=streams("converse-stream"),
    source=ORDER,
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-stream-no-start",
        "bedrock-stream-no-stop",
        "bedrock-stream-no-metadata",
        "bedrock-metadata-early",
        "bedrock-delta-after-stop",
        "bedrock-second-start",
    ),
)
def converse_order(answer: Invocation, _recording: Recording) -> Findings:
    """ConverseStream's events come in order: `messageStart`, the content blocks, `messageStop`, `metadata`.

    Clients put the message together as it comes, and take `messageStop` for its end.
    """
    yield from out_of_order(answer, _steps(answer))


def _steps(answer: Invocation) -> Iterator[Step]:
    for event in answer.events:
        yield event.name, event.data, event


def out_of_order(answer: Invocation, steps: Iterable[Step]) -> Findings:
    """What of Converse's events came where it must not, or did not come."""
    places: dict[str, int] = {}
    for name, _, event in steps:
        lacking = [before for before in _BEFORE.get(name, ()) if before not in places]
        if lacking:
            yield answer.violation(f"{name} came before {lacking[0]}.", event)
        if name in places and name not in _BLOCKS and name in _BEFORE:
            yield answer.violation(f"{name} came again.", event)
        if name in _BLOCKS and "messageStop" in places:
            yield answer.violation(f"{name} came after messageStop.", event)
        places.setdefault(name, event.index)
    if answer.whole:
        for name in ("messageStart", "messageStop", "metadata"):
            if name not in places:
                yield answer.violation(f"The stream has no {name}.")


_BEFORE = {
    "messageStart": (),
    "contentBlockStart": ("messageStart",),
    "contentBlockDelta": ("messageStart",),
    "contentBlockStop": ("messageStart",),
    "messageStop": ("messageStart",),
    "metadata": ("messageStop",),
}


@contract(
    "bedrock.blocks-closed",
    select=streams("converse-stream", whole=True),
    source=f"{ORDER}; ContentBlockStopEvent",
    subject=Subject.PROVIDER,
    breakers=("bedrock-block-open", "bedrock-delta-after-block"),
)
def blocks_closed(answer: Invocation, _recording: Recording) -> Findings:
    """Each content block is closed once, and no delta comes for it afterwards.

    A client hands a block on, a tool call for example, when it is closed.
    """
    yield from left_open(answer, _steps(answer))


def left_open(answer: Invocation, steps: Iterable[Step]) -> Findings:
    """Which content blocks were not closed, or went on when they were."""
    opened: dict[int, None] = {}
    closed: set[int] = set()
    for name, data, event in steps:
        index = data.get("contentBlockIndex") if isinstance(data, dict) else None
        if name not in _BLOCKS or not isinstance(index, int):
            continue
        if index in closed:
            yield answer.violation(f"{name} came for block {index}, which was closed.", event)
        opened[index] = None
        if name == "contentBlockStop":
            closed.add(index)
    for index in opened:
        if index not in closed:
            yield answer.violation(f"Block {index} is never closed.")


@contract(
    "bedrock.invocation-metrics",
    select=streams(FRAMED, whole=True),
    source="Amazon Bedrock user guide, invocation metrics of a response stream; every recorded stream",
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-no-metrics",
        "bedrock-metrics-early",
        "bedrock-claude-no-last",
        "bedrock-nova-no-last",
        "bedrock-titan-no-last",
        "bedrock-llama-no-last",
        "bedrock-titan-words-after-stop",
        "bedrock-llama-words-after-stop",
    ),
)
def invocation_metrics(answer: Invocation, _recording: Recording) -> Findings:
    """An invoke stream's last chunk, and no other, has the metrics of the invocation.

    They are the token counts for every family of models, and the only common sign of the end.
    """
    holders = [event for event in answer.events if has_metrics(event)]
    if not holders:
        yield answer.violation("No chunk has the metrics of the invocation.")
    for event in holders:
        if event is not answer.events[-1]:
            yield answer.violation("A chunk came after the one with the metrics.", event)


@contract(
    "bedrock.nothing-after-exception",
    select=streams(),
    source="Smithy, event streams: an exception or error message ends the stream",
    subject=Subject.PROVIDER,
    breakers=("bedrock-event-after-exception",),
)
def nothing_after_exception(answer: Invocation, _recording: Recording) -> Findings:
    """An exception in the stream is its last frame.

    The SDKs raise it there: whatever follows is lost.
    """
    if answer.stream and answer.stream.exceptions:
        first = answer.stream.exceptions[0]
        if first is not answer.events[-1]:
            yield answer.violation("A frame came after the stream's exception.", answer.events[first.index + 1])


@contract(
    "bedrock.stream-exception",
    select=_failed,
    source=f"{INVOKE}, ResponseStream; ConverseStream, ConverseStreamOutput: the exceptions; Smithy, event streams",
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-exception-without-type",
        "bedrock-exception-of-another-name",
        "bedrock-exception-without-message",
    ),
)
def stream_exception(answer: Invocation, _recording: Recording) -> Findings:
    """An exception in a stream is one of those that its call documents, and says in a message what went wrong.

    Nothing else tells a stream that was throttled from a model that failed: its status was 200 long before.
    """
    for event in _modelled(answer):
        if event.name not in EXCEPTIONS[answer.call]:
            yield answer.violation(f"{event.name or 'What it does not name'} is no exception of {answer.call}.", event)
        if not isinstance(event.data, dict) or not isinstance(event.data.get("message"), str):
            yield answer.violation(f"{event.name or 'An exception'} has no message.", event)
