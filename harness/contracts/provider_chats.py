"""The subjects of the provider contracts: what a provider answered to chat completion calls, decoded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.core.recording import Exchange, Json, Recording, Source
from harness.providers.openai import Kind, Stream, StreamEvent, decode_stream

from .provider_traffic import Answered, Scope, Selectors, judged

CHAT = "chat.completions"

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
class Answer(Answered[Stream]):
    """A provider's answer to one chat completion call."""

    @property
    def chunks(self) -> tuple[StreamEvent, ...]:
        """The stream's chunks up to its first ``[DONE]``: what a client reads."""
        if self.stream is None:
            return ()
        until = self.stream.done[0] if self.stream.done else len(self.stream.events)
        return tuple(e for e in self.stream.events[:until] if e.kind is Kind.CHUNK and isinstance(e.data, dict))


def provider_answers(recording: Recording) -> tuple[Answer, ...]:
    """Every chat completion answer of a provider in a recording, if it is one in which providers are judged."""
    return recording.memo("provider-answers", lambda: tuple(_answers(recording)))


_CHATS = Selectors(provider_answers)
streams, completions, answers = _CHATS.streams, _CHATS.plain, _CHATS.answers
documents, refusals, streams_asked = _CHATS.documents, _CHATS.refusals, _CHATS.streams_asked


def choices(event: StreamEvent) -> list[dict[str, Json]]:
    """A chunk's choices that are objects."""
    return choices_of(event.data)


def choices_of(document: Json) -> list[dict[str, Json]]:
    """A document's choices that are objects."""
    found = document.get("choices") if isinstance(document, dict) else None
    return [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []


def _answers(recording: Recording) -> Iterator[Answer]:
    source = recording.header.source
    for exchange in judged(recording):
        if exchange.operation == CHAT:
            answer = Answer.read(exchange, source, "", decode_stream)
            yield replace(answer, promiser=_promiser(exchange, source, str(answer.asked.get("model", ""))))


def _promiser(exchange: Exchange, source: Source, model: str) -> str:
    provider = exchange.provider or "compatible"
    if provider == "compatible" and source is not Source.SIMULATOR:
        return "unlisted"
    if provider == "groq" and model.rpartition("/")[2].startswith("compound"):
        return "groq-compound"
    return provider
