"""The subjects of the provider contracts on Anthropic's Messages protocol: what was answered, decoded once.

Its promises bind Anthropic, Vertex AI where it passes Claude's bodies on (``:rawPredict``, ``:streamRawPredict``), and
Bedrock in what its invoke calls answer for Claude: the frames in which its streams wrap the events have contracts of
their own. Anybody else who speaks the protocol has promised nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.recording import Exchange, Recording
from harness.providers import bedrock_claude
from harness.providers.anthropic import Kind, Stream, StreamEvent, decode_stream
from harness.providers.bedrock import Family

from .provider_invocations import FRAMED, invoked_family, is_own
from .provider_traffic import Answered, Scope, Selectors, judged, read_json

ANTHROPIC: Scope = frozenset({"anthropic"})
CLAUDE: Scope = ANTHROPIC | {"vertex", "bedrock"}
"""Whose bodies are Claude's. Errors are not among them: Vertex AI has its own."""
IN_EVENTS: Scope = CLAUDE - {"bedrock"}
"""Who sends Claude's streams as server-sent events."""

_OPERATIONS = {
    "anthropic": ("messages",),
    "vertex": ("rawPredict", "streamRawPredict"),
    "bedrock": ("invoke", FRAMED),
}
_CLAUDE_PATH = "/publishers/anthropic/"


@dataclass(frozen=True)
class Answer(Answered[Stream]):
    """An answer to one request for a message."""

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """The stream's events up to its first ``message_stop``, those left out that a reader passes over."""
        if self.stream is None:
            return ()
        until = self.stream.done[0] + 1 if self.stream.done else len(self.stream.events)
        return tuple(event for event in self.stream.events[:until] if event.kind in _READ)

    def of(self, kind: Kind) -> tuple[StreamEvent, ...]:
        """The events of one kind among them."""
        return tuple(event for event in self.events if event.kind is kind)


_READ = frozenset(Kind) - {Kind.PING, Kind.ERROR, Kind.OTHER, Kind.MALFORMED}


def provider_messages(recording: Recording) -> tuple[Answer, ...]:
    """Every answer of a provider of this protocol in a recording, if it is one in which providers are judged."""
    return recording.memo("provider-messages", lambda: tuple(_answers(recording)))


_MESSAGES = Selectors(provider_messages)
streams, messages, answers = _MESSAGES.streams, _MESSAGES.plain, _MESSAGES.answers
documents, refusals, failures = _MESSAGES.documents, _MESSAGES.refusals, _MESSAGES.failures
streams_asked = _MESSAGES.streams_asked


def _answers(recording: Recording) -> Iterator[Answer]:
    for exchange in judged(recording):
        if _is_claudes(exchange):
            framed = exchange.operation == FRAMED
            decode = bedrock_claude.decode_stream if framed else decode_stream
            yield Answer.read(
                exchange, recording.header.source, exchange.provider or "", decode, streamed=framed or None
            )


def _is_claudes(exchange: Exchange) -> bool:
    """Whether an exchange is a call for a message; Vertex AI and Bedrock have models of others under the same calls."""
    provider = exchange.provider or ""
    if exchange.operation not in _OPERATIONS.get(provider, ()):
        return False
    if provider == "bedrock":
        own = exchange.operation == FRAMED or is_own(exchange)
        return own and invoked_family(exchange) is Family.CLAUDE and _asks_for_a_message(exchange)
    return provider != "vertex" or _CLAUDE_PATH in exchange.request.url


def _asks_for_a_message(exchange: Exchange) -> bool:
    """Whether a call was answered, and was not one of Claude's older form, which asks with a prompt."""
    request = read_json(exchange.request.body)
    return exchange.status == 200 and not (isinstance(request, dict) and "prompt" in request)
