"""The subjects of the provider contracts: what a provider answered to chat completion calls, decoded once.

A contract says by its *scope* whose promise it is: the providers whose documentation makes it. Who documents
something else, or was seen to do otherwise all the time, is left out there with the reason, never here by a file.

Provider traffic is judged where nobody asked the provider to fail: recordings of strangers, of real providers, and
of healthy simulators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.recording import NO_FAULT, Ending, Exchange, Fidelity, Json, Recording, Side, Source
from harness.core.verdict import Pointer, Violation
from harness.framing import json
from harness.providers.openai import Kind, Stream, StreamEvent, decode_stream

CHAT = "chat.completions"
EVENT_STREAM = "text/event-stream"

Scope = frozenset[str]

OURS: Scope = frozenset({"openai", "groq", "compatible"})
"""The providers whose simulators speak this dialect. ``compatible`` is only ever a simulator's name in a scope: an
address that nobody knows has promised nothing, and is called ``unlisted``."""

KNOWN: Scope = OURS | {
    "avian",
    "azure",
    "cerebras",
    "crusoe",
    "deepseek",
    "fireworks",
    "mistral",
    "ollama",
    "openrouter",
    "together",
    "vercel-gateway",
    "xai",
    "zai",
}
"""Who documents its API as OpenAI's chat completions and keeps to the form of objects and streams.

Not among them: Perplexity, Writer, GPUStack, Hugging Face's router and Snowflake (streams without ``[DONE]`` or
without a finish reason), Gemini's and Anthropic's own compatibility layers (their ids and token counts are their
own), and Groq's Compound systems (an id for every model they call in turn).
"""


@dataclass(frozen=True)
class Answer:
    """A provider's answer to one chat completion call.

    ``promiser`` is whose promises bind it. ``asked`` is the request where it is known, else empty. ``stream`` is
    there for an event stream, ``document`` for anything else that is JSON. ``broken_off``: the recording holds only
    the beginning of the stream, because its client left or its recorder stopped.
    """

    exchange: Exchange
    promiser: str
    asked: dict[str, Json]
    stream: Stream | None
    document: Json
    broken_off: bool

    @property
    def status(self) -> int:
        """The response's status code; 0 where there was no response."""
        return self.exchange.status or 0

    @property
    def chunks(self) -> tuple[StreamEvent, ...]:
        """The stream's chunks up to its first ``[DONE]``: what a client reads."""
        if self.stream is None:
            return ()
        until = self.stream.done[0] if self.stream.done else len(self.stream.events)
        return tuple(e for e in self.stream.events[:until] if e.kind is Kind.CHUNK and isinstance(e.data, dict))

    def violation(self, sentence: str, event: StreamEvent | None = None) -> Violation:
        """A broken promise, with the event where it shows, or the exchange as a whole."""
        if event is None:
            return Violation(sentence, (Pointer(self.exchange.id),))
        return Violation(sentence, (Pointer(self.exchange.id, start=event.start, end=event.end, event=event.index),))


Select = Callable[[Recording], list[Answer]]


def streams(scope: Scope, *, whole: bool = False) -> Select:
    """The event streams of these providers; where ``whole``, only those recorded to an end of their own.

    A stream that its recorder wrote again is not among these: its ``[DONE]`` is framing, and may be lost.
    """

    def wanted(answer: Answer) -> bool:
        if answer.stream is None or not whole:
            return answer.stream is not None
        return not (answer.broken_off or answer.stream.errors) and answer.exchange.fidelity is not Fidelity.NORMALIZED

    return _select(scope, wanted)


def completions(scope: Scope) -> Select:
    """The plain answers with status 200 of these providers."""
    return _select(scope, lambda a: a.stream is None and a.status == 200 and not _is_error(a.document))


def answers(scope: Scope) -> Select:
    """Streams and plain answers with status 200 of these providers."""
    return _select(scope, lambda a: a.stream is not None or (a.status == 200 and not _is_error(a.document)))


def documents(scope: Scope) -> Select:
    """Whatever these providers answered with status 200 that is no stream, error objects included."""
    return _select(scope, lambda a: a.stream is None and a.status == 200)


def refusals(scope: Scope) -> Select:
    """The answers with an error status of these providers."""
    return _select(scope, lambda a: a.status >= 400)


def streams_asked(scope: Scope) -> Select:
    """The answers with status 200 to requests for a stream, where the recorder kept the response's headers."""

    def asked(answer: Answer) -> bool:
        response = answer.exchange.response
        kept = response is not None and bool(response.headers)
        return answer.status == 200 and kept and answer.asked.get("stream") is True

    return _select(scope, asked)


def provider_answers(recording: Recording) -> tuple[Answer, ...]:
    """Every chat completion answer of a provider in a recording, if it is one in which providers are judged."""
    return recording.memo("provider-answers", lambda: tuple(_answers(recording)))


def choices(event: StreamEvent) -> list[dict[str, Json]]:
    """A chunk's choices that are objects."""
    return choices_of(event.data)


def choices_of(document: Json) -> list[dict[str, Json]]:
    """A document's choices that are objects."""
    found = document.get("choices") if isinstance(document, dict) else None
    return [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []


def _select(scope: Scope, wanted: Callable[[Answer], bool]) -> Select:
    return lambda recording: [a for a in provider_answers(recording) if a.promiser in scope and wanted(a)]


def _answers(recording: Recording) -> Iterator[Answer]:
    source = recording.header.source
    if source is Source.SIMULATOR and recording.header.fault != NO_FAULT:
        return
    for exchange in recording.side(Side.PROVIDER):
        if exchange.operation == CHAT and exchange.response is not None:
            yield _answer(exchange, source)


def _answer(exchange: Exchange, source: Source) -> Answer:
    request = read_json(exchange.request.body)
    asked = request if isinstance(request, dict) else {}
    stream = decode_stream(exchange.body) if is_event_stream(exchange) else None
    return Answer(
        exchange=exchange,
        promiser=_promiser(exchange, source, str(asked.get("model", ""))),
        asked=asked,
        stream=stream,
        document=None if stream is not None else read_json(exchange.body),
        broken_off=stream is not None and _broken_off(exchange, source, stream),
    )


def _promiser(exchange: Exchange, source: Source, model: str) -> str:
    provider = exchange.provider or "compatible"
    if provider == "compatible" and source is not Source.SIMULATOR:
        return "unlisted"
    if provider == "groq" and model.rpartition("/")[2].startswith("compound"):
        return "groq-compound"
    return provider


def is_event_stream(exchange: Exchange) -> bool:
    """Whether a 200 holds an event stream: by its label, or by its first bytes where no label was kept or is right."""
    if exchange.status != 200:
        return False
    label = exchange.response.header("content-type") if exchange.response else None
    if label is not None and label.partition(";")[0].strip().lower() == EVENT_STREAM:
        return True
    return exchange.body.lstrip()[:6].startswith((b"data:", b"event:", b":"))


def _broken_off(exchange: Exchange, source: Source, stream: Stream) -> bool:
    """Whether only a beginning was recorded. A stranger's recorder never says how the exchange ended."""
    if exchange.ending is not Ending.EOF:
        return True
    return source is Source.THIRD_PARTY and not stream.terminal and not stream.errors


def _is_error(document: Json) -> bool:
    return isinstance(document, dict) and bool(document.get("error"))


def read_json(body: bytes) -> Json:
    """A body's value, read leniently; None where it is no JSON."""
    try:
        return json.lenient(body)
    except DecodeError:
        return None
