"""What providers of the OpenAI dialect promise of a streamed chat completion."""

from __future__ import annotations

from collections import Counter

from harness.core.recording import Json, Recording
from harness.core.verdict import Level, Subject
from harness.providers.openai import Kind

from .provider_chats import KNOWN, OURS, Answer, choices, streams, streams_asked
from .provider_traffic import EVENT_STREAM
from .registry import Findings, contract

STREAMING = "OpenAI API reference, chat completions streaming"
CHUNK = "OpenAI API reference, chat completion chunk object"


@contract(
    "openai.stream-content-type",
    select=streams_asked(KNOWN),
    source=f"{STREAMING}: server-sent events; WHATWG HTML 9.2.5",
    subject=Subject.PROVIDER,
    breakers=("stream-labelled-json",),
)
def stream_content_type(answer: Answer, _recording: Recording) -> Findings:
    """A stream that was asked for is labelled `text/event-stream`.

    A client that goes by the label reads anything else as one document, and waits for its end.
    """
    label = answer.exchange.response.header("content-type") if answer.exchange.response else None
    if (label or "").partition(";")[0].strip().lower() != EVENT_STREAM:
        yield answer.violation(f"The stream is labelled {label!r}.")


@contract(
    "openai.stream-events-parse",
    select=streams(KNOWN),
    source=f"{STREAMING}: each event holds a JSON object, but for the last",
    subject=Subject.PROVIDER,
    breakers=("malformed-event",),
)
def stream_events_parse(answer: Answer, _recording: Recording) -> Findings:
    """Every event of a stream is JSON or `[DONE]`.

    Clients decode each event as it comes; one that cannot be decoded ends most of them.
    """
    for event in answer.stream.events if answer.stream else ():
        if event.kind is Kind.MALFORMED:
            yield answer.violation(f"The event is not JSON: {event.raw[:60]!r}.", event)


@contract(
    "openai.stream-done",
    select=streams(KNOWN, whole=True),
    source=f"{STREAMING}: terminated by a data: [DONE] message",
    subject=Subject.PROVIDER,
    breakers=("drop-done", "second-done", "chunk-after-done"),
)
def stream_done(answer: Answer, _recording: Recording) -> Findings:
    """A whole stream ends with `[DONE]`, once and last.

    It is the only sign by which an end differs from a connection that was lost between two chunks. A stream that
    ended in an error in band need not have it: Groq's do not.
    """
    stream = answer.stream
    if stream is None:
        return
    if not stream.done:
        yield answer.violation(f"No [DONE] came after {len(stream.events)} events.")
    elif len(stream.done) > 1:
        yield answer.violation(f"[DONE] came {len(stream.done)} times.", stream.events[stream.done[1]])
    elif stream.done[0] != len(stream.events) - 1:
        behind = len(stream.events) - 1 - stream.done[0]
        yield answer.violation(f"{behind} events came after [DONE].", stream.events[stream.done[0] + 1])


@contract(
    "openai.chunk-object",
    select=streams(KNOWN - {"azure"}),  # Azure's first chunk, of its content filter, has an empty object and model
    source=CHUNK,
    subject=Subject.PROVIDER,
    breakers=("chunk-wrong-object", "chunk-without-model", "chunk-without-choices", "choice-without-index"),
)
def chunk_object(answer: Answer, _recording: Recording) -> Findings:
    """Each chunk is a `chat.completion.chunk` with a model and a list of choices, each with its index and delta.

    Typed clients refuse a chunk without them. (Azure is not held to it: its first chunk is its filter's.)
    """
    for event in answer.chunks:
        wrong = _chunk_fault(event.data)
        if wrong:
            yield answer.violation(f"A chunk {wrong}.", event)


def _chunk_fault(chunk: dict[str, Json]) -> str | None:
    if chunk.get("object") != "chat.completion.chunk":
        return f"calls itself {chunk.get('object')!r}"
    if not isinstance(chunk.get("model"), str):
        return "names no model"
    found = chunk.get("choices")
    if not isinstance(found, list):
        return "has no list of choices"
    for choice in found:
        if not isinstance(choice, dict) or not _is_index(choice.get("index")):
            return "has a choice without an index"
        if not isinstance(choice.get("delta"), dict):
            return "has a choice without a delta"
    return None


def _is_index(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@contract(
    "openai.stream-one-id",
    # Azure's first chunk, of its content filter, has an empty id; Avian's has another than those it relays
    select=streams(KNOWN - {"azure", "avian"}),
    source=f"{CHUNK}: each chunk has the same ID",
    subject=Subject.PROVIDER,
    breakers=("mixed-id", "chunk-without-id"),
)
def stream_one_id(answer: Answer, _recording: Recording) -> Findings:
    """All chunks of a stream carry one and the same id.

    Gateways and logs tie the chunks of interleaved streams together by it.
    """
    first = answer.chunks[0].data.get("id") if answer.chunks else None
    for event in answer.chunks:
        sent = event.data.get("id")
        if not isinstance(sent, str) or not sent:
            yield answer.violation("A chunk has no id.", event)
            return
        if sent != first:
            yield answer.violation(f"The stream began with the id {first!r} and goes on with {sent!r}.", event)
            return


@contract(
    "openai.first-delta-role",
    select=streams(KNOWN),
    source=f"{CHUNK}, delta.role; the streaming guide's first chunk",
    subject=Subject.PROVIDER,
    breakers=("no-first-role",),
)
def first_delta_role(answer: Answer, _recording: Recording) -> Findings:
    """The first delta of each choice says that the assistant speaks.

    Clients that put the message together start it there.
    """
    seen: set[Json] = set()
    for event in answer.chunks:
        for choice in choices(event):
            index = choice.get("index", 0)
            delta = choice.get("delta")
            if index in seen or not isinstance(delta, dict):
                continue
            seen.add(index)
            if delta.get("role") != "assistant":
                yield answer.violation(f"The first delta of choice {index} has the role {delta.get('role')!r}.", event)


@contract(
    "openai.finish-once",
    # OpenRouter, and Avian behind it, send a second finish chunk with the usage, and none after some tool calls
    select=streams(KNOWN - {"openrouter", "avian"}, whole=True),
    source=f"{CHUNK}, choices.finish_reason",
    subject=Subject.PROVIDER,
    breakers=("drop-finish", "second-finish"),
)
def finish_once(answer: Answer, _recording: Recording) -> Findings:
    """Each choice of a whole stream is finished exactly once.

    The finish reason tells a complete answer from one that ran into a limit. (OpenRouter repeats it.)
    """
    finished: Counter[Json] = Counter()
    seen: dict[Json, None] = {}
    for event in answer.chunks:
        for choice in choices(event):
            index = choice.get("index", 0)
            seen[index] = None
            finished[index] += bool(choice.get("finish_reason"))
            if finished[index] > 1 and choice.get("finish_reason"):
                yield answer.violation(f"Choice {index} is finished for time number {finished[index]}.", event)
    for index in seen:
        if not finished[index]:
            yield answer.violation(f"Choice {index} has no finish reason in the whole stream.")


@contract(
    "openai.no-content-after-finish",
    select=streams(KNOWN),
    source=f"{CHUNK}, choices.finish_reason: why the model stopped generating",
    subject=Subject.PROVIDER,
    breakers=("chunk-after-finish",),
)
def no_content_after_finish(answer: Answer, _recording: Recording) -> Findings:
    """Once a choice is finished, no content and no tool call comes for it.

    Clients stop adding to the message there, so anything later is lost.
    """
    finished: set[Json] = set()
    for event in answer.chunks:
        for choice in choices(event):
            index, delta = choice.get("index", 0), choice.get("delta")
            if index in finished and isinstance(delta, dict) and (delta.get("content") or delta.get("tool_calls")):
                yield answer.violation(f"Choice {index} was finished before, and has more content.", event)
        finished |= {choice.get("index", 0) for choice in choices(event) if choice.get("finish_reason")}


@contract(
    "openai.usage-chunk",
    select=streams(frozenset({"openai", "azure", "compatible"}), whole=True),  # the others put it where they like
    source="OpenAI API reference, stream_options.include_usage",
    subject=Subject.PROVIDER,
    breakers=("drop-usage", "usage-before-finish", "usage-with-choices"),
)
def usage_chunk(answer: Answer, _recording: Recording) -> Findings:
    """Where usage was asked for, one chunk has it: after the last chunk with choices, and with none of its own.

    Who bills by it reads it there. (A chunk of OpenAI's moderation may follow it.)
    """
    options = answer.asked.get("stream_options")
    if not isinstance(options, dict) or options.get("include_usage") is not True or not answer.chunks:
        return
    holders = [event for event in answer.chunks if event.data.get("usage")]
    last_choice = max((event.index for event in answer.chunks if choices(event)), default=-1)
    if not holders:
        yield answer.violation("Usage was asked for, and no chunk has it.")
    for event in holders:
        if choices(event):
            yield answer.violation("The chunk with the usage has choices in it.", event)
        elif event.index < last_choice:
            yield answer.violation("A chunk with choices came after the usage.", event)
    if len(holders) > 1:
        yield answer.violation(f"{len(holders)} chunks have usage in them.", holders[1])


@contract(
    "openai.nothing-after-error",
    select=streams(OURS | {"openrouter"}),
    source="Groq API reference, streaming errors; OpenRouter, errors during streaming",
    subject=Subject.PROVIDER,
    breakers=("chunk-after-error",),
)
def nothing_after_error(answer: Answer, _recording: Recording) -> Findings:
    """An error in band ends the stream: nothing but `[DONE]` comes after it.

    A client that stops at the error and one that reads on must have the same answer.
    """
    stream = answer.stream
    if stream is None or not stream.errors:
        return
    for event in stream.events[stream.errors[0].index + 1 :]:
        if event.kind is not Kind.DONE:
            yield answer.violation("An event came after the stream's error.", event)
            return


@contract(
    "groq.x-groq",
    select=streams(frozenset({"groq"}), whole=True),
    source="Groq API reference, chat completion chunk object, x_groq",
    subject=Subject.PROVIDER,
    level=Level.SHOULD,
    breakers=("drop-x-groq-id", "drop-x-groq-usage"),
)
def x_groq(answer: Answer, _recording: Recording) -> Findings:
    """Groq's own field names the request in the first chunk, and the usage in the chunk that finishes the answer.

    Groq's client reads both; without `stream_options` it is the only usage that a Groq stream has.
    """
    if not answer.chunks:
        return
    first = answer.chunks[0].data.get("x_groq")
    if not isinstance(first, dict) or not isinstance(first.get("id"), str):
        yield answer.violation("The first chunk has no x_groq.id.", answer.chunks[0])
    for event in answer.chunks:
        if any(choice.get("finish_reason") for choice in choices(event)):
            own = event.data.get("x_groq")
            if not isinstance(own, dict) or not isinstance(own.get("usage"), dict):
                yield answer.violation("The finish chunk has no x_groq.usage.", event)
