"""What Google promises of Gemini's streams: their form, their chunks, and how they end."""

from __future__ import annotations

from harness.core.recording import Recording
from harness.core.verdict import Subject
from harness.providers.gemini import Kind

from .provider_generations import Generation, arrays, labelled, streams
from .provider_traffic import EVENT_STREAM
from .registry import Findings, contract

STREAM = "Gemini API and Vertex AI reference, streamGenerateContent"
PARAMETERS = "Google APIs, system parameters: alt"


@contract(
    "gemini.stream-label",
    select=labelled(),
    source=f"{STREAM}; {PARAMETERS}",
    subject=Subject.PROVIDER,
    breakers=("gemini-stream-labelled-json", "gemini-array-labelled-sse"),
)
def stream_label(answer: Generation, _recording: Recording) -> Findings:
    """A stream is labelled `text/event-stream` where `alt=sse` was asked for, and `application/json` elsewhere.

    It is the only thing that tells the two forms apart before the first byte.
    """
    wanted = EVENT_STREAM if answer.events else "application/json"
    label = answer.header("content-type") or ""
    if label.partition(";")[0].strip().lower() != wanted:
        yield answer.violation(f"The stream is labelled {label!r}, not {wanted}.")


@contract(
    "gemini.chunks-parse",
    select=streams(),
    source=f"{STREAM}: a stream of GenerateContentResponse",
    subject=Subject.PROVIDER,
    breakers=("gemini-chunk-cut", "gemini-done", "gemini-chunk-list"),
)
def chunks_parse(answer: Generation, _recording: Recording) -> Findings:
    """Every event of a stream is a JSON object of the answer's form, or an error; there is no `[DONE]`.

    The client libraries stop at the first that is not.
    """
    for event in answer.stream.events if answer.stream else ():
        if event.kind not in (Kind.CHUNK, Kind.ERROR):
            yield answer.violation(f"An event is no part of an answer: {event.raw[:40]!r}.", event)


@contract(
    "gemini.array-whole",
    select=arrays(),
    source=f"{STREAM}; {PARAMETERS}: JSON unless told otherwise; RFC 8259",
    subject=Subject.PROVIDER,
    breakers=("gemini-array-open", "gemini-array-of-lines"),
)
def array_whole(answer: Generation, _recording: Recording) -> Findings:
    """Without `alt=sse` a stream is one JSON array of chunks, closed at the end, and nothing follows.

    A client that waits for the whole body parses it as one document.
    """
    stream = answer.stream
    if stream is None:
        return
    if not answer.exchange.body.lstrip().startswith(b"["):
        yield answer.violation("The stream is no JSON array.")
    elif not stream.closed:
        yield answer.violation("The array is never closed.")
    elif stream.tail:
        yield answer.violation("Something follows the array.")


@contract(
    "gemini.stream-finishes",
    select=streams(whole=True),
    source=f"{STREAM}; Candidate.finishReason: empty while the model goes on",
    subject=Subject.PROVIDER,
    breakers=("gemini-stream-no-finish", "gemini-text-after-finish"),
)
def stream_finishes(answer: Generation, _recording: Recording) -> Findings:
    """A whole stream says why the answer ended, in or after its last text.

    It has no other terminal: without the reason nobody can tell a whole answer from one that was cut.
    """
    stream = answer.stream
    if stream is None:
        return
    ends = [event for event in stream.events if event.finish_reason is not None or event.block_reason is not None]
    if not ends:
        yield answer.violation("The stream does not say why the answer ended.")
        return
    for event in stream.content_events:
        if event.index > ends[0].index:
            yield answer.violation("Text comes after the reason for the end.", event)


@contract(
    "gemini.one-response",
    select=streams(),
    source="Gemini API and Vertex AI reference, GenerateContentResponse: responseId, modelVersion",
    subject=Subject.PROVIDER,
    breakers=("gemini-second-id", "gemini-second-model"),
)
def one_response(answer: Generation, _recording: Recording) -> Findings:
    """All chunks of a stream are of one response and one model.

    The id is what a user has to show to support; a chunk with another belongs to another answer.
    """
    for name in ("responseId", "modelVersion"):
        first = None
        for chunk in answer.chunks:
            told = chunk.data.get(name, first)
            first = told if first is None else first
            if told != first:
                yield answer.violation(f"A chunk's {name} is {told!r}, the first one's was {first!r}.", chunk)
